// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/ops/spatial_size.h"
#include "keras/tensor/tensor.h"

/// Pooling of keras.ops over one, two or three spatial axes.
namespace keras::ops {

/// Options of max_pool and average_pool.
struct PoolOptions {
  std::optional<SpatialSize> strides;  ///< step per spatial axis; none: pool_size
  std::string padding = "valid";       ///< "valid" or "same"
  std::string data_format = {};        ///< "channels_last" or "channels_first"; empty: image_data_format()
};

/// The largest element of every window of inputs (N, spatial..., channels).
Tensor max_pool(const Tensor& inputs, const SpatialSize& pool_size,
                const PoolOptions& options = PoolOptions());
/// The mean of every window; padding does not count.
Tensor average_pool(const Tensor& inputs, const SpatialSize& pool_size,
                    const PoolOptions& options = PoolOptions());
/// The largest elements of `output_size` windows that cover the input evenly. The spatial extents must be
/// known.
Tensor adaptive_max_pool(const Tensor& inputs, const SpatialSize& output_size,
                         const std::string& data_format = {});
/// The means of `output_size` windows that cover the input evenly. The spatial extents must be known.
Tensor adaptive_average_pool(const Tensor& inputs, const SpatialSize& output_size,
                             const std::string& data_format = {});

}  // namespace keras::ops
