# SPDX-License-Identifier: Apache-2.0
"""Flatten, Reshape, Permute, RepeatVector, cropping, padding and upsampling."""
import numpy as np

from golden import Family, keras, layer_case, spatial_case

layers = keras.layers
family = Family("layers_reshaping", seed=61)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


def both(name, make, shape, **kw):
    spatial_case(family, name, make, shape, **kw)


SHAPES = {1: (2, 5, 2), 2: (1, 4, 5, 2), 3: (1, 3, 4, 3, 2)}
case("flatten", lambda: layers.Flatten(), (2, 3, 4))
case("flatten_rank2", lambda: layers.Flatten(), (2, 3))
case("flatten_rank1", lambda: layers.Flatten(), (3,))
case("flatten_rank4", lambda: layers.Flatten(), (2, 2, 3, 2))
case("flatten_channels_first", lambda: layers.Flatten(data_format="channels_first"), (2, 2, 3, 2))
case("reshape", lambda: layers.Reshape((3, 4)), (2, 12))
case("reshape_minus_one", lambda: layers.Reshape((-1, 2)), (2, 3, 4))
case("reshape_scalar", lambda: layers.Reshape(()), (2, 1))
case("permute", lambda: layers.Permute((2, 1)), (2, 3, 4))
case("permute_rank4", lambda: layers.Permute((3, 1, 2)), (2, 2, 3, 4))
case("repeat_vector", lambda: layers.RepeatVector(3), (2, 4))
case("reshape_int", lambda: layers.Reshape((2, 3), dtype="int32"), np.arange(12, dtype="int32").reshape(2, 6))

case("cropping1d", lambda: layers.Cropping1D(), SHAPES[1])
case("cropping1d_int", lambda: layers.Cropping1D(2), SHAPES[1])
case("cropping1d_pair", lambda: layers.Cropping1D((0, 3)), SHAPES[1])
both("cropping2d_int", lambda f: layers.Cropping2D(1, data_format=f), SHAPES[2])
both("cropping2d_pairs", lambda f: layers.Cropping2D(((1, 0), (0, 2)), data_format=f), SHAPES[2])
case("cropping2d_two", lambda: layers.Cropping2D((1, 2)), SHAPES[2])
case("cropping2d_default", lambda: layers.Cropping2D(), SHAPES[2])
both("cropping3d_int", lambda f: layers.Cropping3D(1, data_format=f), SHAPES[3])
both("cropping3d_pairs", lambda f: layers.Cropping3D(((1, 0), (0, 2), (1, 1)), data_format=f), SHAPES[3])
case("cropping3d_three", lambda: layers.Cropping3D((1, 1, 0)), SHAPES[3])
both("padding1d", lambda f: layers.ZeroPadding1D(data_format=f), SHAPES[1])
case("padding1d_pair", lambda: layers.ZeroPadding1D((0, 2)), SHAPES[1])
both("padding2d", lambda f: layers.ZeroPadding2D(data_format=f), SHAPES[2])
both("padding2d_pairs", lambda f: layers.ZeroPadding2D(((1, 0), (0, 2)), data_format=f), SHAPES[2])
case("padding2d_two", lambda: layers.ZeroPadding2D((2, 1)), SHAPES[2])
both("padding3d", lambda f: layers.ZeroPadding3D(data_format=f), (1, 2, 2, 2, 2))
case("padding3d_pairs", lambda: layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1))), (1, 2, 2, 2, 2))
case("padding3d_three", lambda: layers.ZeroPadding3D((1, 0, 2)), (1, 2, 2, 2, 1))
case("upsampling1d", lambda: layers.UpSampling1D(), SHAPES[1])
case("upsampling1d_3", lambda: layers.UpSampling1D(3), SHAPES[1])
both("upsampling2d", lambda f: layers.UpSampling2D(data_format=f), (1, 3, 2, 2))
case("upsampling2d_rect", lambda: layers.UpSampling2D((3, 2)), (1, 3, 2, 2))
for how in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
    case(f"upsampling2d_{how}", lambda: layers.UpSampling2D((2, 3), interpolation=how), (1, 4, 3, 2))
both("upsampling2d_bilinear", lambda f: layers.UpSampling2D(2, interpolation="bilinear", data_format=f), (1, 3, 2, 2))
both("upsampling3d", lambda f: layers.UpSampling3D(data_format=f), (1, 2, 2, 2, 2))
case("upsampling3d_sizes", lambda: layers.UpSampling3D((1, 2, 3)), (1, 2, 2, 2, 1))
family.save()
