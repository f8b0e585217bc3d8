# SPDX-License-Identifier: Apache-2.0
"""Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate and Dot."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_merging", seed=62)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


MASKS = [np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0, 0], [1, 1, 0]], bool)]
for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    cls = getattr(layers, name)
    low = name.lower()
    case(low, lambda: cls(), [(2, 3), (2, 3)])
    case(f"{low}_broadcast", lambda: cls(), [(2, 3, 4), (2, 1, 4)])
    case(f"{low}_ranks", lambda: cls(), [(2, 3, 4), (2, 4)])
    case(f"{low}_masks", lambda: cls(), [(2, 3, 2), (2, 3, 2)], mask=MASKS)
    case(f"{low}_one_mask", lambda: cls(), [(2, 3, 2), (2, 3, 2)], mask=[MASKS[0], None])
    if name != "Subtract":
        case(f"{low}_three", lambda: cls(), [(2, 3), (2, 3), (2, 3)])
case("concatenate", lambda: layers.Concatenate(), [(2, 3), (2, 4)])
case("concatenate_axis1", lambda: layers.Concatenate(axis=1), [(2, 2, 3), (2, 1, 3), (2, 3, 3)])
case("concatenate_axis_minus2", lambda: layers.Concatenate(axis=-2), [(2, 2, 3), (2, 1, 3)])
case("concatenate_masks", lambda: layers.Concatenate(), [(2, 3, 2), (2, 3, 1)], mask=MASKS)
case("concatenate_masks_axis1", lambda: layers.Concatenate(axis=1), [(2, 3, 2), (2, 3, 2)], mask=MASKS)
case("concatenate_one_mask_axis1", lambda: layers.Concatenate(axis=1), [(2, 3, 2), (2, 3, 2)], mask=[MASKS[0], None])
case("dot", lambda: layers.Dot(axes=1), [(2, 3), (2, 3)])
case("dot_axes_int_rank3", lambda: layers.Dot(axes=1), [(2, 3, 4), (2, 3, 5)])
case("dot_axes_pair", lambda: layers.Dot(axes=(1, 2)), [(2, 3, 4), (2, 5, 3)])
case("dot_axes_pair2", lambda: layers.Dot(axes=(2, 1)), [(2, 3, 4), (2, 4, 5)])
case("dot_negative", lambda: layers.Dot(axes=-1), [(2, 3, 4), (2, 5, 4)])
case("dot_ranks", lambda: layers.Dot(axes=(2, 1)), [(2, 3, 4), (2, 4)])
case("dot_ranks_other", lambda: layers.Dot(axes=(1, 2)), [(2, 4), (2, 3, 4)])
case("dot_normalize", lambda: layers.Dot(axes=1, normalize=True), [(2, 3), (2, 3)])
case("dot_normalize_rank3", lambda: layers.Dot(axes=2, normalize=True), [(2, 3, 4), (2, 2, 4)])
case("dot_masks", lambda: layers.Dot(axes=2), [(2, 3, 4), (2, 3, 4)], mask=MASKS)
family.save()
