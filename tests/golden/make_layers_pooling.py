# SPDX-License-Identifier: Apache-2.0
"""Max, average, global and adaptive pooling."""
import numpy as np

from golden import Family, keras, layer_case, spatial_case

layers = keras.layers
family = Family("layers_pooling", seed=16)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


def both(name, make, shape, **kw):
    spatial_case(family, name, make, shape, **kw)


SHAPES = {1: (2, 7, 2), 2: (2, 5, 6, 2), 3: (1, 4, 3, 5, 2)}
for kind in ("Max", "Average"):
    for rank, shape in SHAPES.items():
        cls = getattr(layers, f"{kind}Pooling{rank}D")
        low = f"{kind.lower()}{rank}d"
        both(low, lambda f: cls(2, data_format=f), shape)
        both(f"{low}_same", lambda f: cls(2, padding="same", data_format=f), shape)
        case(f"{low}_pool3_stride1", lambda: cls(3, strides=1), shape)
        case(f"{low}_pool3_stride2_same", lambda: cls(3, strides=2, padding="same"), shape)
        if rank < 3:
            case(f"{low}_pool2_stride3_same", lambda: cls(2, strides=3, padding="same"), shape)
    cls = getattr(layers, f"{kind}Pooling2D")
    case(f"{kind.lower()}2d_rect", lambda: cls((2, 3), strides=(1, 2)), SHAPES[2])
    case(f"{kind.lower()}2d_bfloat16", lambda: cls(2, dtype="bfloat16"), SHAPES[2], check=False)
    case(f"{kind.lower()}2d_float64", lambda: cls(2, dtype="float64"),
         np.random.default_rng(3).permutation(18).reshape(1, 3, 3, 2).astype("float64"))
case("max1d_default", lambda: layers.MaxPooling1D(), SHAPES[1])
case("max2d_default", lambda: layers.MaxPooling2D(), SHAPES[2])
case("max3d_default", lambda: layers.MaxPooling3D(), SHAPES[3])
case("max1d_negative", lambda: layers.MaxPooling1D(3, padding="same"),
     -np.random.default_rng(4).permutation(14).reshape(2, 7, 1).astype("float32") - 1)
family.save()

family = Family("layers_pooling_global", seed=17)
for kind in ("Max", "Average"):
    for rank, shape in {1: (2, 4, 3), 2: (2, 3, 4, 3), 3: (2, 2, 3, 2, 2)}.items():
        cls = getattr(layers, f"Global{kind}Pooling{rank}D")
        low = f"global_{kind.lower()}{rank}d"
        both(low, lambda f: cls(data_format=f), shape)
        both(f"{low}_keepdims", lambda f: cls(data_format=f, keepdims=True), shape)
mask = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)
case("global_average1d_mask", lambda: layers.GlobalAveragePooling1D(), (2, 4, 3), mask=mask)
case("global_average1d_mask_keepdims", lambda: layers.GlobalAveragePooling1D(keepdims=True), (2, 4, 3), mask=mask)
case("global_average1d_mask_channels_first", lambda: layers.GlobalAveragePooling1D(data_format="channels_first"),
     (2, 3, 4), mask=mask)
case("global_max1d_mask", lambda: layers.GlobalMaxPooling1D(), (2, 4, 3), mask=mask, note="max pooling ignores the mask")
for kind in ("Max", "Average"):
    for rank, shape, sizes in ((1, (2, 7, 2), (3, 7, 1, 2)), (2, (2, 5, 6, 2), ((2, 3), 1, (5, 4), (3, 2))),
                               (3, (1, 4, 3, 5, 2), ((2, 3, 2), 1))):
        cls = getattr(layers, f"Adaptive{kind}Pooling{rank}D")
        low = f"adaptive_{kind.lower()}{rank}d"
        both(low, lambda f: cls(sizes[0], data_format=f), shape)
        for i, size in enumerate(sizes[1:]):
            if kind == "Max" and size == 1:
                case(f"{low}_{i}", lambda: cls(size), shape, grads=False,
                     note="no gradient: TensorFlow returns uninitialized memory for an empty pool here")
            else:
                case(f"{low}_{i}", lambda: cls(size), shape)
family.save()
