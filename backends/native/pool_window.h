// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel.h"

namespace keras::native {

/// Sizes of a pooling over x (N, spatial..., C); always three spatial axes, missing leading ones of extent 1.
struct PoolWindow {
  int64_t batch = 0, channels = 0;
  std::array<int64_t, 3> in{1, 1, 1}, out{1, 1, 1}, window{1, 1, 1}, stride{1, 1, 1}, pad_low{0, 0, 0};
  bool maximum = true;

  /// Input indices [begin, end) that output index o sees along an axis.
  int64_t begin(int axis, int64_t o) const { return std::max<int64_t>(0, o * stride[axis] - pad_low[axis]); }
  int64_t end(int axis, int64_t o) const {
    return std::min(in[axis], o * stride[axis] - pad_low[axis] + window[axis]);
  }
  int64_t in_image() const { return in[0] * in[1] * in[2] * channels; }
  int64_t out_image() const { return out[0] * out[1] * out[2] * channels; }
};

}  // namespace keras::native
