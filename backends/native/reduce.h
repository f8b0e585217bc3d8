// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernel.h"

namespace keras::native {

enum class Reduction { kSum, kProd, kMax, kMin };

/// Reduces `rows` rows, `stride` elements apart, of `columns` elements each into one row of accumulators: the
/// type of the elements, but double for float sums. One call works in a fixed order whatever the threads.
using RowReducer = void (*)(const void* x, int64_t rows, int64_t stride, int64_t columns, void* accumulators);

/// The reducer of a dtype (no half types; bool as uint8), for the processor's instruction set; null where
/// there is none.
RowReducer find_reducer(Reduction kind, int32_t dtype);

/// Dimensions merged into runs of kept and of reduced axes, alternating.
struct Run {
  int64_t extent;
  bool reduced;
};
std::vector<Run> merge_runs(const keras_desc& operand, const keras_list& axes);

}  // namespace keras::native
