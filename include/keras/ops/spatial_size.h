// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "keras/base/small_vector.h"

namespace keras {

/// One number for all spatial axes, or one per spatial axis: strides, window sizes, dilation rates (an
/// integer or a tuple in Keras).
class SpatialSize {
 public:
  SpatialSize(int value) : values_{value} {}                                   // NOLINT: a number is a size
  SpatialSize(int64_t value) : values_{value} {}                               // NOLINT
  SpatialSize(std::initializer_list<int64_t> v) : values_(v) {}                // NOLINT: so is a list of them
  SpatialSize(const std::vector<int64_t>& v) : values_(v.begin(), v.end()) {}  // NOLINT
  SpatialSize(const std::vector<int>& v) : values_(v.begin(), v.end()) {}      // NOLINT

  /// One number per spatial axis. Throws ValueError naming `where` and `what` unless there is one number, or
  /// `axes` of them, each at least `least`.
  SmallVector<int64_t, 3> expand(std::string_view where, std::string_view what, int axes,
                                 int64_t least = 1) const;
  /// The numbers as given.
  const SmallVector<int64_t, 3>& values() const { return values_; }
  friend bool operator==(const SpatialSize& a, const SpatialSize& b) { return a.values_ == b.values_; }

 private:
  SmallVector<int64_t, 3> values_;
};

}  // namespace keras
