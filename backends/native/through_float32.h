// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "kernel.h"

namespace keras::native {

inline bool is_half(int32_t dtype) { return dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16; }

/// True when an operand or a result is float16 or bfloat16.
bool has_half(const keras_op& op);

/// The kernel of an op on float16 or bfloat16 tensors: operands are widened, `factory`'s float32 kernel runs,
/// and its results are rounded once at the end. Residuals stay as the float32 kernel makes them.
std::unique_ptr<keras_kernel> through_float32(const keras_op& op, KernelFactory factory, std::string& reason);

/// Conversion of `count` elements between float32 and float16 or bfloat16.
void widen(int32_t dtype, const void* from, float* to, int64_t count);
void narrow(int32_t dtype, const float* from, void* to, int64_t count);

}  // namespace keras::native
