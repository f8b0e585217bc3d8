// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Pooling of keras.ops over one, two or three spatial axes. Sizes are one number for all spatial axes or one
/// per axis; `data_format` is "channels_last" or "channels_first", none: config::image_data_format().
namespace keras::ops {

/// The largest element of every window of inputs (N, spatial..., channels). `strides` none: pool_size;
/// `padding` is "valid" or "same".
Tensor max_pool(const Tensor& inputs, const Integers& pool_size, const std::optional<Integers>& strides = {},
                const std::string& padding = "valid", const std::optional<std::string>& data_format = {});
/// The mean of every window; padding does not count.
Tensor average_pool(const Tensor& inputs, const Integers& pool_size,
                    const std::optional<Integers>& strides = {}, const std::string& padding = "valid",
                    const std::optional<std::string>& data_format = {});
/// The largest elements of `output_size` windows that cover the input evenly. The spatial extents must be
/// known.
Tensor adaptive_max_pool(const Tensor& inputs, const Integers& output_size,
                         const std::optional<std::string>& data_format = {});
/// The means of `output_size` windows that cover the input evenly. The spatial extents must be known.
Tensor adaptive_average_pool(const Tensor& inputs, const Integers& output_size,
                             const std::optional<std::string>& data_format = {});

}  // namespace keras::ops
