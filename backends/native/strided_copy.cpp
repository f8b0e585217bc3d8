// SPDX-License-Identifier: Apache-2.0
#include "strided_copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace keras::native {
namespace {

constexpr int64_t kGrainBytes = 65536;  // of memory worth a thread
constexpr int64_t kTile = 64;

template <class T>
void copy_row(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t count) {
  if (to_step == 1) {
    if (from_step == 1) {
      std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
    } else if (from_step == 0) {
      std::fill_n(to, count, *from);
    } else if (from_step == -1) {
      for (int64_t i = 0; i < count; ++i) to[i] = from[-i];
    } else {
      for (int64_t i = 0; i < count; ++i) to[i] = from[i * from_step];
    }
  } else {
    for (int64_t i = 0; i < count; ++i) to[i * to_step] = from[i * from_step];
  }
}

// A square of a plane whose source rows are contiguous and whose target columns are: each cache line is
// touched once on either side, however the two lattices fall into the cache's sets.
template <class T>
constexpr int64_t kSquare = 64 / static_cast<int64_t>(sizeof(T));

template <class T>
void turn_square(const T* from, int64_t from_column, T* to, int64_t to_row) {
  constexpr int64_t n = kSquare<T>;
  alignas(64) T held[n][n];
  for (int64_t c = 0; c < n; ++c) {
    for (int64_t r = 0; r < n; ++r) held[r][c] = from[c * from_column + r];
  }
  for (int64_t r = 0; r < n; ++r) std::memcpy(to + r * to_row, held[r], sizeof(held[r]));
}

// A plane: `rows` along the axis that the source reads best, `columns` along the target's last one.
template <class T>
void copy_plane(const T* from, T* to, int64_t rows, int64_t from_row, int64_t to_row, int64_t columns,
                int64_t from_column, int64_t to_column) {
  constexpr int64_t n = kSquare<T>;
  const bool square = from_row == 1 && to_column == 1;
  for (int64_t r0 = 0; r0 < rows; r0 += n) {
    const int64_t r1 = std::min(rows, r0 + n);
    for (int64_t c0 = 0; c0 < columns; c0 += n) {
      const int64_t c1 = std::min(columns, c0 + n);
      if (square && r1 - r0 == n && c1 - c0 == n) {
        turn_square(from + r0 + c0 * from_column, from_column, to + r0 * to_row + c0, to_row);
        continue;
      }
      for (int64_t r = r0; r < r1; ++r) {
        const T* source = from + r * from_row;
        T* target = to + r * to_row;
        for (int64_t c = c0; c < c1; ++c) target[c * to_column] = source[c * from_column];
      }
    }
  }
}

// Walks the outer axes of a box and keeps both positions.
class Odometer {
 public:
  Odometer(const Box& box, int axes, int64_t start) : box_(box), axes_(axes) {
    for (int axis = axes - 1; axis >= 0; --axis) {
      index_[axis] = start % box.shape[axis];
      start /= box.shape[axis];
      from += index_[axis] * box.from[axis];
      to += index_[axis] * box.to[axis];
    }
  }
  void advance() {
    for (int axis = axes_ - 1; axis >= 0; --axis) {
      from += box_.from[axis];
      to += box_.to[axis];
      if (++index_[axis] < box_.shape[axis]) return;
      from -= box_.from[axis] * box_.shape[axis];
      to -= box_.to[axis] * box_.shape[axis];
      index_[axis] = 0;
    }
  }
  int64_t from = 0;
  int64_t to = 0;

 private:
  const Box& box_;
  int axes_;
  std::array<int64_t, KERAS_MAX_RANK> index_{};
};

template <class T>
void copy_typed(const Box& box, const T* source, T* target) {
  const int last = box.rank - 1;
  int64_t count = 1;
  for (int axis = 0; axis < box.rank; ++axis) count *= box.shape[axis];
  const int64_t grain = kGrainBytes / static_cast<int64_t>(sizeof(T));
  if (box.rank == 1) {
    parallel_for(count, grain, [&](int64_t begin, int64_t end) {
      copy_row(source + begin * box.from[0], box.from[0], target + begin * box.to[0], box.to[0], end - begin);
    });
    return;
  }
  // The axis along which the source is read best.
  int inner = last;
  for (int axis = 0; axis < box.rank; ++axis) {
    if (box.shape[axis] > 1 && std::abs(box.from[axis]) == 1 && box.from[last] != 0) inner = axis;
  }
  if (inner == last || std::abs(box.from[last]) == 1) {
    const int64_t row = box.shape[last];
    parallel_for(count / row, std::max<int64_t>(grain / row, 1), [&](int64_t begin, int64_t end) {
      Odometer at(box, last, begin);
      for (int64_t i = begin; i < end; ++i, at.advance()) {
        copy_row(source + at.from, box.from[last], target + at.to, box.to[last], row);
      }
    });
    return;
  }
  // Planes of axes `inner` and `last`; each plane is cut into strips along `inner`, so that one plane alone
  // still keeps all threads busy.
  Box outer;
  for (int axis = 0; axis < last; ++axis) {
    if (axis != inner) outer.add_axis(box.shape[axis], box.from[axis], box.to[axis]);
  }
  const int64_t strips = (box.shape[inner] + kTile - 1) / kTile;
  const int64_t strip = kTile * box.shape[last];
  const int64_t planes = count / (box.shape[inner] * box.shape[last]);
  parallel_for(planes * strips, std::max<int64_t>(grain / strip, 1), [&](int64_t begin, int64_t end) {
    Odometer at(outer, outer.rank, begin / strips);
    for (int64_t i = begin; i < end; ++i) {
      if (i != begin && i % strips == 0) at.advance();
      const int64_t first = i % strips * kTile;
      const int64_t width = std::min(kTile, box.shape[inner] - first);
      copy_plane(source + at.from + first * box.from[inner], target + at.to + first * box.to[inner], width,
                 box.from[inner], box.to[inner], box.shape[last], box.from[last], box.to[last]);
    }
  });
}

}  // namespace

std::array<int64_t, KERAS_MAX_RANK> dense_steps(const keras_desc& desc) {
  std::array<int64_t, KERAS_MAX_RANK> steps{};
  int64_t step = 1;
  for (int axis = desc.rank - 1; axis >= 0; --axis) {
    steps[axis] = step;
    step *= desc.shape[axis];
  }
  return steps;
}

Box simplified(const Box& box) {
  Box result;
  for (int axis = 0; axis < box.rank; ++axis) {
    if (box.shape[axis] == 1) continue;
    const int before = result.rank - 1;
    if (before >= 0 && result.from[before] == box.from[axis] * box.shape[axis] &&
        result.to[before] == box.to[axis] * box.shape[axis]) {
      result.shape[before] *= box.shape[axis];
      result.from[before] = box.from[axis];
      result.to[before] = box.to[axis];
    } else {
      result.add_axis(box.shape[axis], box.from[axis], box.to[axis]);
    }
  }
  if (result.rank == 0) result.add_axis(1, 1, 1);
  return result;
}

void copy_box(const Box& box, size_t width, const void* source, void* target) {
  for (int axis = 0; axis < box.rank; ++axis) {
    if (box.shape[axis] <= 0) return;
  }
  switch (width) {
    case 1:
      return copy_typed(box, static_cast<const uint8_t*>(source), static_cast<uint8_t*>(target));
    case 2:
      return copy_typed(box, static_cast<const uint16_t*>(source), static_cast<uint16_t*>(target));
    case 4:
      return copy_typed(box, static_cast<const uint32_t*>(source), static_cast<uint32_t*>(target));
    default:
      return copy_typed(box, static_cast<const uint64_t*>(source), static_cast<uint64_t*>(target));
  }
}

void fill_elements(size_t width, const void* value, void* target, int64_t count) {
  Box box;
  box.add_axis(count, 0, 1);
  copy_box(box, width, value, target);
}

}  // namespace keras::native
