// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
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

/// How an elementwise op is computed: an inner loop, and how it wants to be run.
struct ElementLoop {
  Loop loop = nullptr;         ///< null where there is none
  int cost = 1;                ///< as in elementwise()
  bool through_float = false;  ///< as in elementwise()
};
/// Finds the loop of an op for its operands' dtypes; without one, `reason` says why.
using LoopFinder = ElementLoop (*)(const keras_op& op, std::string& reason);
/// Registers the kernel of an elementwise op, and its loop for fused regions.
bool register_elementwise(const char* op, LoopFinder finder);
/// The loop of a registered op, of no other.
ElementLoop find_element_loop(const keras_op& op, std::string& reason);

inline bool is_half(int32_t dtype) { return dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16; }
/// The dtype in which a half type is computed; others are themselves.
inline int32_t compute_dtype(int32_t dtype) { return is_half(dtype) ? KERAS_FLOAT32 : dtype; }

/// Vector loops of an op for a dtype (no half types), compiled for the processor's instruction set; null
/// where there is none.
Loop vector_unary(std::string_view op, int32_t dtype);
Loop vector_binary(std::string_view op, int32_t dtype);
/// The operand as it is, of elements of 1, 2, 4 or 8 bytes.
Loop same_loop(size_t width);
/// float32 powers.
Loop vector_pow();
/// Loops that call the C library or compute complex numbers, an element at a time.
Loop scalar_unary(std::string_view op, int32_t dtype);
Loop scalar_binary(std::string_view op, int32_t dtype);
Loop complex_loop(std::string_view op);

}  // namespace keras::native
