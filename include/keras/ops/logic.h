// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Comparisons, logic and choice by condition (keras.ops). Operands are promoted and broadcast; results of
/// comparisons and logic are bool.
namespace keras::ops {

/// x1 == x2.
Tensor equal(const Tensor& x1, const Tensor& x2);
/// x1 != x2.
Tensor not_equal(const Tensor& x1, const Tensor& x2);
/// x1 < x2.
Tensor less(const Tensor& x1, const Tensor& x2);
/// x1 <= x2.
Tensor less_equal(const Tensor& x1, const Tensor& x2);
/// x1 > x2.
Tensor greater(const Tensor& x1, const Tensor& x2);
/// x1 >= x2.
Tensor greater_equal(const Tensor& x1, const Tensor& x2);
/// |x1 - x2| <= atol + rtol |x2| for floats (infinities equal only themselves), equality for all else.
Tensor isclose(const Tensor& x1, const Tensor& x2, double rtol = 1e-05, double atol = 1e-08,
               bool equal_nan = false);
/// Whether isclose() holds everywhere, a scalar.
Tensor allclose(const Tensor& x1, const Tensor& x2, double rtol = 1e-05, double atol = 1e-08,
                bool equal_nan = false);
/// Where x1's elements are found in x2 (or are not, with `invert`). `assume_unique` is only a hint.
Tensor isin(const Tensor& x1, const Tensor& x2, bool assume_unique = false, bool invert = false);

/// Neither infinite nor NaN.
Tensor isfinite(const Tensor& x);
/// Infinite.
Tensor isinf(const Tensor& x);
/// NaN.
Tensor isnan(const Tensor& x);
/// Negative infinity.
Tensor isneginf(const Tensor& x);
/// Positive infinity.
Tensor isposinf(const Tensor& x);
/// The imaginary part is 0.
Tensor isreal(const Tensor& x);

/// Both are true (not 0).
Tensor logical_and(const Tensor& x1, const Tensor& x2);
/// One or both are true.
Tensor logical_or(const Tensor& x1, const Tensor& x2);
/// Exactly one is true.
Tensor logical_xor(const Tensor& x1, const Tensor& x2);
/// Is false (0).
Tensor logical_not(const Tensor& x);
/// Whether all elements along the axes are true.
Tensor all(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Whether any element along the axes is true.
Tensor any(const Tensor& x, const Axis& axis = {}, bool keepdims = false);

/// x1 where the condition is true (not 0), else x2. For the places where it is true, see nonzero().
Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2);
/// The element of the first list entry whose condition is true there, else `default_value`.
Tensor select(const std::vector<Tensor>& condlist, const std::vector<Tensor>& choicelist,
              const Tensor& default_value = 0);

}  // namespace keras::ops
