// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "kernel.h"

namespace keras::native {

/// A dense tensor seen as (outer, middle, inner), where the middle is a run of neighbouring axes.
struct AxisSplit {
  int64_t outer = 1, middle = 1, inner = 1;
};

/// The split around the given ascending axes; nothing where they are not neighbours.
inline std::optional<AxisSplit> split_around(const keras_desc& desc, const keras_list& axes) {
  for (int64_t i = 1; i < axes.count; ++i) {
    if (axes.v[i] != axes.v[i - 1] + 1) return std::nullopt;
  }
  AxisSplit split;
  const int64_t first = axes.count > 0 ? axes.v[0] : desc.rank, last = first + axes.count;
  for (int64_t i = 0; i < desc.rank; ++i) {
    (i < first ? split.outer : i < last ? split.middle : split.inner) *= desc.shape[i];
  }
  return split;
}

/// Every operand and result is of this dtype.
inline bool all_of_dtype(const keras_op& op, int32_t dtype) {
  for (int32_t i = 0; i < op.num_inputs; ++i) {
    if (op.inputs[i].dtype != dtype) return false;
  }
  for (int32_t i = 0; i < op.num_outputs; ++i) {
    if (op.outputs[i].dtype != dtype) return false;
  }
  return true;
}

template <class T>
inline constexpr int32_t dtype_number = sizeof(T) == 8 ? KERAS_FLOAT64 : KERAS_FLOAT32;

}  // namespace keras::native
