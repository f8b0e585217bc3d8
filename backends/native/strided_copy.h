// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "kernel.h"

namespace keras::native {

/// A box of elements that is copied from one lattice of memory to another. Steps count elements; those of the
/// source may be 0 (repeated) or negative (reversed). The axes should be ordered as they lie in the target.
struct Box {
  int rank = 0;
  std::array<int64_t, KERAS_MAX_RANK> shape;
  std::array<int64_t, KERAS_MAX_RANK> from;  // steps in the source
  std::array<int64_t, KERAS_MAX_RANK> to;    // steps in the target

  void add_axis(int64_t extent, int64_t from_step, int64_t to_step) {
    shape[rank] = extent;
    from[rank] = from_step;
    to[rank] = to_step;
    ++rank;
  }
};

/// Steps of a dense row-major array.
std::array<int64_t, KERAS_MAX_RANK> dense_steps(const keras_desc& desc);

/// The same copy with the fewest axes: axes of extent 1 are gone, axes that continue each other are one.
Box simplified(const Box& box);

/// Copies elements of `width` bytes (1, 2, 4 or 8) between places that do not overlap; on several threads
/// where there is enough to do. The box must come from simplified().
void copy_box(const Box& box, size_t width, const void* source, void* target);

/// Sets `count` elements to one value.
void fill_elements(size_t width, const void* value, void* target, int64_t count);

}  // namespace keras::native
