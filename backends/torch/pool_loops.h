// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::aten {

/// Gradients of maxima over windows that do not overlap and are not padded, channels last: dy goes to the
/// first element of its window that equals y.
struct PoolWindows {
  int64_t batch, height, width, channels;  // of x
  int64_t out_height, out_width;
  int64_t window_height, window_width, stride_height, stride_width;
};
void max_pool_gradient(const PoolWindows& p, const float* x, const float* y, const float* dy, float* dx);

}  // namespace keras::aten
