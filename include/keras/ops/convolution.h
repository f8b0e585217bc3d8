// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/ops/spatial_size.h"
#include "keras/tensor/tensor.h"

/// Convolutions of keras.ops over one, two or three spatial axes.
namespace keras::ops {

/// Options of conv, depthwise_conv and separable_conv.
struct ConvOptions {
  SpatialSize strides = 1;        ///< step per spatial axis
  std::string padding = "valid";  ///< "valid", "same", or over one axis "causal"
  std::string data_format = {};   ///< "channels_last" or "channels_first"; empty: config::image_data_format()
  SpatialSize dilation_rate = 1;  ///< distance of the kernel's taps
};

/// Options of conv_transpose.
struct ConvTransposeOptions {
  SpatialSize strides = 1;                    ///< step per spatial axis of the result
  std::string padding = "valid";              ///< "valid" or "same"
  std::optional<SpatialSize> output_padding;  ///< extra extent of the result; none: chosen so that shapes fit
  std::string data_format = {};               ///< as in ConvOptions
  SpatialSize dilation_rate = 1;              ///< distance of the kernel's taps
};

/// Cross-correlation of inputs (N, spatial..., channels) with a kernel (spatial..., channels / groups,
/// filters); the number of groups follows from the channels. Result: (N, spatial..., filters). Throws
/// ValueError when the channels are no multiple of the kernel's.
Tensor conv(const Tensor& inputs, const Tensor& kernel, const ConvOptions& options = ConvOptions());
/// Convolves every channel by itself: kernel (spatial..., channels, multiplier), result channels *
/// multiplier.
Tensor depthwise_conv(const Tensor& inputs, const Tensor& kernel, const ConvOptions& options = ConvOptions());
/// depthwise_conv followed by a 1 x 1 convolution: pointwise kernel (1..., channels * multiplier, filters).
Tensor separable_conv(const Tensor& inputs, const Tensor& depthwise_kernel, const Tensor& pointwise_kernel,
                      const ConvOptions& options = ConvOptions());
/// The transpose of conv in its input, which enlarges by the strides: kernel (spatial..., filters, channels).
Tensor conv_transpose(const Tensor& inputs, const Tensor& kernel,
                      const ConvTransposeOptions& options = ConvTransposeOptions());

/// Options of unfold and fold.
struct UnfoldOptions {
  SpatialSize dilation = 1;  ///< distance of a block's elements
  SpatialSize padding = 0;   ///< zeros on both sides
  SpatialSize stride = 1;    ///< distance of blocks
};
/// Sliding blocks of x (N, C, H, W) as columns: (N, C * kernel elements, blocks) (torch.nn.Unfold).
Tensor unfold(const Tensor& x, const SpatialSize& kernel_size,
              const UnfoldOptions& options = UnfoldOptions());
/// Sums columns of blocks back into (N, C, output_size...): the transpose of unfold (torch.nn.Fold).
Tensor fold(const Tensor& x, const SpatialSize& output_size, const SpatialSize& kernel_size,
            const UnfoldOptions& options = UnfoldOptions());
/// Moves blocks of channels into space: (N, H, W, C) to (N, H b, W b, C / b^2).
Tensor depth_to_space(const Tensor& x, int block_size, const std::string& data_format = "channels_last");
/// Moves blocks of space into channels: (N, H, W, C) to (N, H / b, W / b, C b^2).
Tensor space_to_depth(const Tensor& x, int block_size, const std::string& data_format = "channels_last");

}  // namespace keras::ops
