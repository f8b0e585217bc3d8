# SPDX-License-Identifier: Apache-2.0
"""Conv1D, Conv2D, Conv3D; depthwise and separable ones; transposed ones."""
import numpy as np

from golden import Family, keras, layer_case, spatial_case

layers = keras.layers

# Plain convolutions
family = Family("layers_conv", seed=13)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


def both(name, make, shape, **kw):
    spatial_case(family, name, make, shape, **kw)


one = (2, 7, 3)
both("conv1d", lambda f: layers.Conv1D(4, 3, data_format=f), one)
for padding in ("same", "causal"):
    case(f"conv1d_{padding}", lambda: layers.Conv1D(4, 3, padding=padding), one)
    case(f"conv1d_{padding}_stride2", lambda: layers.Conv1D(2, 3, strides=2, padding=padding), one)
    case(f"conv1d_{padding}_dilated", lambda: layers.Conv1D(2, 3, dilation_rate=2, padding=padding), one)
both("conv1d_same_stride2_even", lambda f: layers.Conv1D(2, 4, strides=2, padding="same", data_format=f), (2, 8, 2))
case("conv1d_valid_stride3", lambda: layers.Conv1D(2, 2, strides=3), one)
case("conv1d_valid_dilated", lambda: layers.Conv1D(2, 2, dilation_rate=3), one)
# Keras' TensorFlow backend adds a channels_first bias to the wrong axis where the last axis is as long as the
# filters (its add takes it for a bias of the last axis), so no channels_first case may have such a shape.
both("conv1d_groups", lambda f: layers.Conv1D(4, 3, groups=2, data_format=f), (2, 7, 4))
case("conv1d_no_bias_relu", lambda: layers.Conv1D(4, 3, use_bias=False, activation="relu"), one)
case("conv1d_kernel1", lambda: layers.Conv1D(4, 1), one)
case("conv1d_masked", lambda: layers.Conv1D(2, 3, padding="same"), one,
     mask=np.array([[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0]], bool), note="convolutions support no masks")
case("conv1d_unbatched_long", lambda: layers.Conv1D(2, 3, strides=1, padding="causal", dilation_rate=3), (1, 9, 2))

two = (2, 5, 6, 2)
both("conv2d", lambda f: layers.Conv2D(3, 3, data_format=f), two)
both("conv2d_same", lambda f: layers.Conv2D(3, (3, 3), padding="same", data_format=f), two)
both("conv2d_same_stride2", lambda f: layers.Conv2D(3, 3, strides=2, padding="same", data_format=f), two)
case("conv2d_same_even_kernel", lambda: layers.Conv2D(2, (2, 4), padding="same"), two)
case("conv2d_stride21", lambda: layers.Conv2D(2, (3, 2), strides=(2, 1)), two)
case("conv2d_same_stride3_kernel2", lambda: layers.Conv2D(2, 2, strides=3, padding="same"), two)
case("conv2d_dilated", lambda: layers.Conv2D(2, 2, dilation_rate=(2, 3)), two)
both("conv2d_same_dilated", lambda f: layers.Conv2D(2, 3, dilation_rate=2, padding="same", data_format=f), two)
both("conv2d_groups", lambda f: layers.Conv2D(4, 3, groups=2, data_format=f), (2, 4, 5, 4))
case("conv2d_groups_depthwise", lambda: layers.Conv2D(6, 3, groups=3, padding="same"), (2, 4, 3, 3))
case("conv2d_no_bias", lambda: layers.Conv2D(3, 3, use_bias=False), two)
for act in ("relu", "tanh", "gelu"):
    case(f"conv2d_{act}", lambda: layers.Conv2D(2, 3, activation=act), (1, 4, 5, 2))
case("conv2d_1x1", lambda: layers.Conv2D(3, 1), two)
case("conv2d_1x1_stride2", lambda: layers.Conv2D(3, 1, strides=2), two)
case("conv2d_rank5", lambda: layers.Conv2D(2, 2), (1, 3, 4, 2))
case("conv2d_regularized", lambda: layers.Conv2D(
    2, 3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2",
    kernel_constraint="max_norm", bias_constraint="non_neg", kernel_initializer="he_uniform"), two)
case("conv2d_lora", lambda: layers.Conv2D(3, 3, lora_rank=2), two)
case("conv2d_float64", lambda: layers.Conv2D(2, 2, dtype="float64"), np.linspace(-1, 1, 12).reshape(1, 3, 2, 2), check=False)
case("conv2d_bfloat16", lambda: layers.Conv2D(2, 2, dtype="mixed_bfloat16"),
     np.linspace(-1, 1, 12).reshape(1, 3, 2, 2).astype("float32"), check=False)

three = (1, 4, 5, 3, 2)
both("conv3d", lambda f: layers.Conv3D(3, (2, 3, 2), data_format=f), three)
both("conv3d_same_stride2", lambda f: layers.Conv3D(3, 3, strides=2, padding="same", data_format=f), three)
case("conv3d_strides", lambda: layers.Conv3D(2, 2, strides=(1, 2, 1), use_bias=False, activation="tanh"), three)
case("conv3d_dilated", lambda: layers.Conv3D(2, 2, dilation_rate=(2, 1, 2)), three)
case("conv3d_same_dilated", lambda: layers.Conv3D(1, 2, dilation_rate=2, padding="same"), three)
case("conv3d_groups", lambda: layers.Conv3D(4, 2, groups=2), (1, 3, 3, 3, 4))
family.save()

# Depthwise and separable
family = Family("layers_conv_depthwise", seed=14)
both("depthwise1d", lambda f: layers.DepthwiseConv1D(3, data_format=f), one)
both("depthwise1d_multiplier", lambda f: layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same", data_format=f), one)
case("depthwise1d_stride2", lambda: layers.DepthwiseConv1D(3, strides=2, padding="same"), one)
case("depthwise1d_dilated", lambda: layers.DepthwiseConv1D(2, dilation_rate=2), one)
case("depthwise1d_no_bias", lambda: layers.DepthwiseConv1D(2, use_bias=False, activation="tanh"), one)
both("depthwise2d", lambda f: layers.DepthwiseConv2D(3, data_format=f), two)
both("depthwise2d_multiplier", lambda f: layers.DepthwiseConv2D((3, 2), depth_multiplier=3, data_format=f), two)
case("depthwise2d_stride2_same", lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"), two)
case("depthwise2d_dilated", lambda: layers.DepthwiseConv2D(2, dilation_rate=2), two)
case("depthwise2d_same_dilated", lambda: layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depth_multiplier=2), two)
case("depthwise2d_options", lambda: layers.DepthwiseConv2D(
    2, use_bias=False, activation="relu", depthwise_regularizer="l2", depthwise_constraint="non_neg",
    depthwise_initializer="he_normal"), two)
both("separable1d", lambda f: layers.SeparableConv1D(4, 3, data_format=f), one)
both("separable1d_multiplier", lambda f: layers.SeparableConv1D(
    2, 3, depth_multiplier=2, padding="same", strides=2, data_format=f), one)
case("separable1d_dilated", lambda: layers.SeparableConv1D(2, 2, dilation_rate=2, activation="tanh"), one)
case("separable1d_no_bias", lambda: layers.SeparableConv1D(2, 2, use_bias=False), one)
both("separable2d", lambda f: layers.SeparableConv2D(3, 3, data_format=f), two)
both("separable2d_multiplier", lambda f: layers.SeparableConv2D(
    4, (2, 3), depth_multiplier=2, padding="same", strides=2, data_format=f), two)
case("separable2d_dilated", lambda: layers.SeparableConv2D(2, 2, dilation_rate=2), two)
case("separable2d_options", lambda: layers.SeparableConv2D(
    2, 2, use_bias=False, activation="relu", depthwise_regularizer="l2", pointwise_regularizer="l1",
    depthwise_constraint="unit_norm", pointwise_constraint="non_neg"), two)
family.save()

# Transposed
family = Family("layers_conv_transpose", seed=15)
both("conv1d_transpose", lambda f: layers.Conv1DTranspose(3, 3, data_format=f), (2, 4, 2))
for padding in ("valid", "same"):
    for kernel, stride in ((2, 1), (3, 2), (2, 3), (4, 2), (5, 3)):
        case(f"conv1d_transpose_{padding}_k{kernel}_s{stride}", lambda: layers.Conv1DTranspose(
            2, kernel, strides=stride, padding=padding), (2, 4, 2))
    for output_padding in (0, 1):
        case(f"conv1d_transpose_{padding}_output_padding{output_padding}", lambda: layers.Conv1DTranspose(
            2, 3, strides=2, padding=padding, output_padding=output_padding), (2, 4, 2))
    case(f"conv1d_transpose_{padding}_dilated", lambda: layers.Conv1DTranspose(
        2, 3, padding=padding, dilation_rate=2), (2, 4, 2), jit=True)
both("conv2d_transpose", lambda f: layers.Conv2DTranspose(3, 3, data_format=f), (2, 3, 4, 2))
both("conv2d_transpose_same_stride2", lambda f: layers.Conv2DTranspose(
    2, 3, strides=2, padding="same", data_format=f), (2, 3, 4, 2))
case("conv2d_transpose_stride2_valid", lambda: layers.Conv2DTranspose(2, (3, 2), strides=(2, 3)), (1, 3, 3, 2))
case("conv2d_transpose_output_padding", lambda: layers.Conv2DTranspose(
    2, 3, strides=2, padding="same", output_padding=(1, 0)), (1, 3, 3, 2))
case("conv2d_transpose_output_padding1", lambda: layers.Conv2DTranspose(
    2, 3, strides=3, padding="valid", output_padding=1), (1, 3, 2, 2))
case("conv2d_transpose_dilated", lambda: layers.Conv2DTranspose(2, 2, dilation_rate=2), (1, 3, 3, 2), jit=True)
case("conv2d_transpose_same_dilated", lambda: layers.Conv2DTranspose(2, 3, dilation_rate=2, padding="same"), (1, 3, 3, 2), jit=True)
case("conv2d_transpose_options", lambda: layers.Conv2DTranspose(
    2, 2, use_bias=False, activation="relu", kernel_regularizer="l2", kernel_constraint="unit_norm"), (1, 3, 3, 2))
both("conv3d_transpose", lambda f: layers.Conv3DTranspose(2, 2, data_format=f), (1, 2, 3, 2, 2))
case("conv3d_transpose_same_stride2", lambda: layers.Conv3DTranspose(2, 3, strides=2, padding="same"), (1, 2, 2, 2, 2))
case("conv3d_transpose_strides", lambda: layers.Conv3DTranspose(
    2, 2, strides=(1, 2, 1), use_bias=False, activation="tanh"), (1, 2, 2, 2, 2))
case("conv3d_transpose_output_padding", lambda: layers.Conv3DTranspose(
    1, 3, strides=2, padding="same", output_padding=1), (1, 2, 2, 2, 2))
family.save()
