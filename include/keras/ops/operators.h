// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/ops/elementwise.h"
#include "keras/ops/logic.h"
#include "keras/tensor/index.h"
#include "keras/tensor/tensor.h"

/// Operators on tensors, variables and C++ scalars, with Keras' promotion and NumPy's broadcasting.
/// Comparisons give bool tensors. C++ has no `**` and `//`: see ops::power and ops::floor_divide.
namespace keras {

/// Each calls the function of keras.ops of the same meaning.
inline Tensor operator+(const Tensor& a, const Tensor& b) { return ops::add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return ops::subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return ops::multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return ops::true_divide(a, b); }
inline Tensor operator%(const Tensor& a, const Tensor& b) { return ops::mod(a, b); }
inline Tensor operator-(const Tensor& x) { return ops::negative(x); }
inline Tensor operator+(const Tensor& x) { return x; }
inline Tensor operator~(const Tensor& x) { return ops::bitwise_not(x); }
inline Tensor operator!(const Tensor& x) { return ops::logical_not(x); }
inline Tensor operator&(const Tensor& a, const Tensor& b) { return ops::bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return ops::bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Tensor& b) { return ops::bitwise_xor(a, b); }
inline Tensor operator==(const Tensor& a, const Tensor& b) { return ops::equal(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ops::not_equal(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return ops::less(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return ops::less_equal(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return ops::greater(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ops::greater_equal(a, b); }
inline Tensor& operator+=(Tensor& a, const Tensor& b) { return a = ops::add(a, b); }
inline Tensor& operator-=(Tensor& a, const Tensor& b) { return a = ops::subtract(a, b); }
inline Tensor& operator*=(Tensor& a, const Tensor& b) { return a = ops::multiply(a, b); }
inline Tensor& operator/=(Tensor& a, const Tensor& b) { return a = ops::true_divide(a, b); }

}  // namespace keras
