// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::native {

/// Converts float16 or bfloat16 elements to float32 with the processor's own instructions where it has them.
void half_to_float(int32_t dtype, const void* from, float* to, int64_t count);
/// And back, to nearest even.
void float_to_half(int32_t dtype, const float* from, void* to, int64_t count);

}  // namespace keras::native
