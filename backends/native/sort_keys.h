// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "half.h"
#include "kernel.h"

namespace keras::native {

/// Maps an element to an unsigned number of the same order; NaN comes last, and -0 and 0 are equal. Of
/// complex numbers there is no order.
template <class T>
uint64_t ordered_key(T value) {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr Bits sign = Bits{1} << (sizeof(T) * 8 - 1);
    if (value != value) return static_cast<Bits>(~Bits{0});
    const Bits bits = std::bit_cast<Bits>(value == T{0} ? T{0} : value);
    return (bits & sign) != 0 ? static_cast<Bits>(~bits) : static_cast<Bits>(bits | sign);
  } else if constexpr (std::is_signed_v<T>) {
    using Bits = std::make_unsigned_t<T>;
    return static_cast<Bits>(static_cast<Bits>(value) ^ (Bits{1} << (sizeof(T) * 8 - 1)));
  } else {
    return value;
  }
}

/// Bits of the keys of a dtype: 8, 16, 32 or 64 (half types are compared as float32).
inline int key_bits(int32_t dtype) {
  if (dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16) return 32;
  return static_cast<int>(dtype_size(dtype)) * 8;
}

/// Keys of `count` elements that lie `step` elements apart. `largest_first` turns the order round, but leaves
/// NaN where `nan_last` wants it.
void make_keys(int32_t dtype, const void* data, int64_t step, int64_t count, bool largest_first,
               bool nan_last, uint64_t* keys);

}  // namespace keras::native
