// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernel.h"

namespace keras::native {

/// Elements of an integer tensor of any width as int64 (a uint64 beyond int64's range becomes its largest).
void widen_indices(const keras_tensor& indices, int64_t* out, int64_t count);

/// Throws Failure(KERAS_ERROR_VALUE) unless 0 <= index < size.
inline void check_index(int64_t index, int64_t axis, int64_t size) {
  if (index >= 0 && index < size) return;
  throw Failure(KERAS_ERROR_VALUE, "index " + std::to_string(index) + " is out of range for axis " +
                                       std::to_string(axis) + " with size " + std::to_string(size));
}

}  // namespace keras::native
