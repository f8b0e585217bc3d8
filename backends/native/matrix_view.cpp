// SPDX-License-Identifier: Apache-2.0
#include "matrix_view.h"

#include <algorithm>
#include <complex>

namespace keras::native {

std::vector<int64_t> dense_strides(const keras_desc& desc) {
  std::vector<int64_t> strides(static_cast<size_t>(desc.rank), 1);
  for (int32_t i = desc.rank - 2; i >= 0; --i) strides[i] = strides[i + 1] * desc.shape[i + 1];
  return strides;
}

std::optional<AxisGroup> collapse(const keras_desc& desc, const std::vector<int64_t>& axes) {
  const std::vector<int64_t> strides = dense_strides(desc);
  AxisGroup group;
  bool first = true;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const int64_t size = desc.shape[*axis];
    if (size == 1) continue;
    if (first) {
      group = {size, strides[*axis]};
      first = false;
      continue;
    }
    if (strides[*axis] != group.size * group.stride) return std::nullopt;
    group.size *= size;
  }
  return group;
}

MatrixView::MatrixView(const keras_desc& desc, const std::vector<int64_t>& batch,
                       const std::vector<int64_t>& row_axes, const std::vector<int64_t>& column_axes) {
  int64_t batches = 1;
  for (int64_t axis : row_axes) rows *= desc.shape[axis];
  for (int64_t axis : column_axes) columns *= desc.shape[axis];
  for (int64_t axis : batch) batches *= desc.shape[axis];
  const std::optional<AxisGroup> row = collapse(desc, row_axes), column = collapse(desc, column_axes);
  bool usable = row && column;
  if (usable && (column->stride == 1 || columns == 1)) {
    leading = rows == 1 ? columns : row->stride;
    usable = leading >= columns;
  } else if (usable && (row->stride == 1 || rows == 1)) {
    transposed = true;
    leading = columns == 1 ? rows : column->stride;
    usable = leading >= rows;
  } else {
    usable = false;
  }
  batch_offsets.resize(static_cast<size_t>(batches), 0);
  if (!usable) {
    copy_order = batch;
    copy_order.insert(copy_order.end(), row_axes.begin(), row_axes.end());
    copy_order.insert(copy_order.end(), column_axes.begin(), column_axes.end());
    transposed = false;
    leading = columns;
    for (int64_t i = 0; i < batches; ++i) batch_offsets[i] = i * rows * columns;
    return;
  }
  const std::vector<int64_t> strides = dense_strides(desc);
  for (int64_t i = 0; i < batches; ++i) {
    int64_t rest = i;
    for (auto axis = batch.rbegin(); axis != batch.rend(); ++axis) {
      batch_offsets[i] += rest % desc.shape[*axis] * strides[*axis];
      rest /= desc.shape[*axis];
    }
  }
}

namespace {

template <class T>
void copy_elements(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, const T* from,
                   T* to) {
  const size_t rank = sizes.size();
  const int64_t inner = rank == 0 ? 1 : sizes[rank - 1], inner_stride = rank == 0 ? 1 : strides[rank - 1];
  int64_t outer = 1;
  for (size_t i = 0; i + 1 < rank; ++i) outer *= sizes[i];
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, inner));
  parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, offset = 0;
      for (size_t i = rank - 1; i-- > 0;) {
        offset += rest % sizes[i] * strides[i];
        rest /= sizes[i];
      }
      for (int64_t j = 0; j < inner; ++j) to[row * inner + j] = from[offset + j * inner_stride];
    }
  });
}

}  // namespace

void permuted_copy(const keras_desc& desc, const std::vector<int64_t>& order, const void* from, void* to) {
  if (element_count(desc) == 0) return;
  const std::vector<int64_t> strides = dense_strides(desc);
  std::vector<int64_t> sizes, steps;
  for (int64_t axis : order) {
    sizes.push_back(desc.shape[axis]);
    steps.push_back(strides[axis]);
  }
  switch (dtype_size(desc.dtype)) {
    case 1:
      return copy_elements(sizes, steps, static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to));
    case 2:
      return copy_elements(sizes, steps, static_cast<const uint16_t*>(from), static_cast<uint16_t*>(to));
    case 4:
      return copy_elements(sizes, steps, static_cast<const uint32_t*>(from), static_cast<uint32_t*>(to));
    default:
      return copy_elements(sizes, steps, static_cast<const uint64_t*>(from), static_cast<uint64_t*>(to));
  }
}

}  // namespace keras::native
