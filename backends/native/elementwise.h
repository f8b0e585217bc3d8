// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "kernel.h"

namespace keras::native {

/// An inner loop: `count` results from up to three operands. steps[i] is 1 for an operand read element by
/// element and 0 for one value; the result may stand in the memory of an operand.
using Loop = void (*)(const void* const* in, const int* steps, void* out, int64_t count);

/// The kernel that runs a loop with NumPy's broadcasting, on several threads where there is enough to do.
/// `cost` is the work of an element in units of an addition. A loop over float32 is also run for operands and
/// results of half types, which are then converted in pieces that stay in the cache: `through_float`.
std::unique_ptr<keras_kernel> elementwise(const keras_op& op, Loop loop, int cost,
                                          bool through_float = false);

inline bool is_half(int32_t dtype) { return dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16; }
/// The dtype in which a half type is computed; others are themselves.
inline int32_t compute_dtype(int32_t dtype) { return is_half(dtype) ? KERAS_FLOAT32 : dtype; }

/// Vector loops of an op for a dtype (no half types), compiled for the processor's instruction set; null
/// where there is none.
Loop vector_unary(std::string_view op, int32_t dtype);
Loop vector_binary(std::string_view op, int32_t dtype);
/// float32 powers.
Loop vector_pow();
/// Loops that call the C library or compute complex numbers, an element at a time.
Loop scalar_unary(std::string_view op, int32_t dtype);
Loop scalar_binary(std::string_view op, int32_t dtype);
Loop complex_loop(std::string_view op);

}  // namespace keras::native
