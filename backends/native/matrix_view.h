// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernel.h"

namespace keras::native {

/// A group of axes seen as one: how many elements and the step between neighbours.
struct AxisGroup {
  int64_t size = 1;
  int64_t stride = 1;
};

/// Axes of a dense tensor as one axis, where their memory allows it.
std::optional<AxisGroup> collapse(const keras_desc& desc, const std::vector<int64_t>& axes);

/// One operand of dot_general as a batch of matrices (rows, columns), as it lies or after a copy.
struct MatrixView {
  int64_t rows = 1, columns = 1;
  bool transposed = false;  // stored (columns, rows)
  int64_t leading = 1;      // elements between stored rows
  std::vector<int64_t> batch_offsets;
  std::vector<int64_t> copy_order;  // axes of the dense copy that is needed first; empty where none is

  MatrixView() = default;
  MatrixView(const keras_desc& desc, const std::vector<int64_t>& batch, const std::vector<int64_t>& row_axes,
             const std::vector<int64_t>& column_axes);
};

/// Copies a dense tensor with its axes in another order.
void permuted_copy(const keras_desc& desc, const std::vector<int64_t>& order, const void* from, void* to);

std::vector<int64_t> dense_strides(const keras_desc& desc);

}  // namespace keras::native
