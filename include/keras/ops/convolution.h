// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Convolutions of keras.ops over one, two or three spatial axes. `strides`, `dilation_rate` and the like are
/// one number for all spatial axes or one per axis; `padding` is "valid", "same", or over one axis "causal";
/// `data_format` is "channels_last" or "channels_first", none: config::image_data_format().
namespace keras::ops {

/// Cross-correlation of inputs (N, spatial..., channels) with a kernel (spatial..., channels / groups,
/// filters); the number of groups follows from the channels. Result: (N, spatial..., filters). Throws
/// ValueError when the channels are no multiple of the kernel's.
Tensor conv(const Tensor& inputs, const Tensor& kernel, const Integers& strides = 1,
            const std::string& padding = "valid", const std::optional<std::string>& data_format = {},
            const Integers& dilation_rate = 1);
/// Convolves every channel by itself: kernel (spatial..., channels, multiplier), result channels *
/// multiplier.
Tensor depthwise_conv(const Tensor& inputs, const Tensor& kernel, const Integers& strides = 1,
                      const std::string& padding = "valid",
                      const std::optional<std::string>& data_format = {}, const Integers& dilation_rate = 1);
/// depthwise_conv followed by a 1 x 1 convolution: pointwise kernel (1..., channels * multiplier, filters).
Tensor separable_conv(const Tensor& inputs, const Tensor& depthwise_kernel, const Tensor& pointwise_kernel,
                      const Integers& strides = 1, const std::string& padding = "valid",
                      const std::optional<std::string>& data_format = {}, const Integers& dilation_rate = 1);
/// The transpose of conv in its input, which enlarges by the strides: kernel (spatial..., filters, channels).
/// `output_padding` adds to the result's extent; none: it is chosen so that shapes fit.
Tensor conv_transpose(const Tensor& inputs, const Tensor& kernel, const Integers& strides = 1,
                      const std::string& padding = "valid",
                      const std::optional<Integers>& output_padding = {},
                      const std::optional<std::string>& data_format = {}, const Integers& dilation_rate = 1);

/// Sliding blocks of x (N, C, H, W) as columns: (N, C * kernel elements, blocks) (torch.nn.Unfold).
Tensor unfold(const Tensor& x, const Integers& kernel_size, const Integers& dilation = 1,
              const Integers& padding = 0, const Integers& stride = 1);
/// Sums columns of blocks back into (N, C, output_size...): the transpose of unfold (torch.nn.Fold).
Tensor fold(const Tensor& x, const Integers& output_size, const Integers& kernel_size,
            const Integers& dilation = 1, const Integers& padding = 0, const Integers& stride = 1);
/// Moves blocks of channels into space: (N, H, W, C) to (N, H b, W b, C / b^2).
Tensor depth_to_space(const Tensor& x, int block_size, const std::string& data_format = "channels_last");
/// Moves blocks of space into channels: (N, H, W, C) to (N, H / b, W / b, C b^2).
Tensor space_to_depth(const Tensor& x, int block_size, const std::string& data_format = "channels_last");

}  // namespace keras::ops
