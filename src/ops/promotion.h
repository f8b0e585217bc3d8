// SPDX-License-Identifier: Apache-2.0
// Keras' dtype promotion at the door of public ops.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// x in `dtype`. A weak host scalar is made anew on the host, without an op; others are cast.
Tensor as_dtype(const Tensor& x, DType dtype);
/// x as a plain tensor: a weak scalar takes the dtype that it has alone (int32, floatx, bool).
Tensor as_plain(const Tensor& x);
/// x in its float dtype: floatx for integers and bool, floats and complex as they are.
Tensor as_float(const Tensor& x);
/// The dtype that as_float gives.
DType float_dtype(const Tensor& x);
/// Keras' result_type(dtype, float).
DType float_result(DType dtype);

/// The common dtype of the operands.
DType common_dtype(std::initializer_list<Tensor> operands);
/// Both operands in their common dtype.
std::pair<Tensor, Tensor> promote(const Tensor& a, const Tensor& b);
/// Both in their common dtype joined with float.
std::pair<Tensor, Tensor> promote_float(const Tensor& a, const Tensor& b);
/// All operands in their common dtype.
std::vector<Tensor> promote(const std::vector<Tensor>& operands);

}  // namespace keras::internal
