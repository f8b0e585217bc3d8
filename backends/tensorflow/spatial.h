// SPDX-License-Identifier: Apache-2.0
// Windows over spatial axes, channels last, as convolutions and pooling have them.
#pragma once

#include <algorithm>

#include "kernel.h"

namespace keras::tensorflow {

/// What TensorFlow does about padding: none ("VALID"), its own rule ("SAME"), or none after ours was added.
struct Frame {
  Sizes low, high;
  bool added = false;
  const char* name = "VALID";

  Frame(const Sizes& input, const Sizes& window, const Sizes& strides, Sizes before, Sizes after)
      : low(std::move(before)), high(std::move(after)) {
    const auto zero = [](int64_t p) { return p == 0; };
    if (std::all_of(low.begin(), low.end(), zero) && std::all_of(high.begin(), high.end(), zero)) return;
    bool same = true;
    for (size_t i = 0; i < low.size(); ++i) {
      const int64_t steps = (input[i] + strides[i] - 1) / strides[i];
      const int64_t total = std::max<int64_t>((steps - 1) * strides[i] + window[i] - input[i], 0);
      same = same && low[i] == total / 2 && high[i] == total - total / 2;
    }
    name = same ? "SAME" : "VALID";
    added = !same;
  }

  /// x (N, spatial..., C) with the padding that TensorFlow does not add itself.
  Value enter(Builder& b, const Value& x, double filler) const {
    if (!added) return x;
    Sizes pads{0, 0};
    for (size_t i = 0; i < low.size(); ++i) {
      pads.push_back(low[i]);
      pads.push_back(high[i]);
    }
    pads.insert(pads.end(), {0, 0});
    const Value table = b.reshape(b.integers(pads), {static_cast<int64_t>(pads.size() / 2), 2});
    return b.op("PadV2", {x, table, b.scalar(b.type(x), filler)});
  }
  /// Sizes of what enters.
  Sizes entered(Sizes sizes) const {
    for (size_t i = 0; added && i < low.size(); ++i) sizes[i + 1] += low[i] + high[i];
    return sizes;
  }
  /// Undoes `enter` for a gradient; `sizes` are those of x.
  Value leave(Builder& b, const Value& x, const Sizes& sizes) const {
    if (!added) return x;
    Sizes start(sizes.size(), 0);
    Sizes limit = sizes;
    for (size_t i = 0; i < low.size(); ++i) {
      start[i + 1] = low[i];
      limit[i + 1] += low[i];
    }
    return b.slice(x, start, limit, Sizes(sizes.size(), 1));
  }
};

/// (1, values..., 1), as the window attributes are.
inline Sizes framed(const Sizes& values) {
  Sizes out{1};
  out.insert(out.end(), values.begin(), values.end());
  out.push_back(1);
  return out;
}

inline Value int32_vector(Builder& b, const Sizes& values) {
  const std::vector<int32_t> narrow(values.begin(), values.end());
  return b.constant(TF_INT32, {static_cast<int64_t>(narrow.size())}, narrow.data());
}

}  // namespace keras::tensorflow
