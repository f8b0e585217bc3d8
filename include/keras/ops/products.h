// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Products of vectors, matrices and tensors (keras.ops). Integers are multiplied as floats and cast back,
/// except that int8 times int8 gives int32 in matmul and einsum.
namespace keras::ops {

/// Matrix product of the last two axes; leading axes broadcast, 1-D operands are a row on the left, a column
/// on the right.
Tensor matmul(const Tensor& x1, const Tensor& x2);
/// Sum over the last axis of x1 and the second-to-last (the only one) of x2; a product for scalars.
Tensor dot(const Tensor& x1, const Tensor& x2);
/// Sum over the last axes of both; a product for scalars.
Tensor inner(const Tensor& x1, const Tensor& x2);
/// All products of an element of each, flattened: (n, m).
Tensor outer(const Tensor& x1, const Tensor& x2);
/// dot of both, flattened.
Tensor vdot(const Tensor& x1, const Tensor& x2);
/// Sum over pairs of axes: the last n of x1 with the first n of x2, or those listed.
Tensor tensordot(const Tensor& x1, const Tensor& x2, const ContractedAxes& axes = 2);
/// Einstein's summation: "ij,jk->ik"; repeated letters take diagonals, "..." broadcasts.
Tensor einsum(const std::string& subscripts, const std::vector<Tensor>& operands);
/// Kronecker's product.
Tensor kron(const Tensor& x1, const Tensor& x2);
/// Cross product of vectors of length 2 or 3 along axes.
Tensor cross(const Tensor& x1, const Tensor& x2, int64_t axisa = -1, int64_t axisb = -1, int64_t axisc = -1,
             std::optional<int64_t> axis = {});
/// Cross-correlation of two 1-D tensors; mode is "valid", "same" or "full".
Tensor correlate(const Tensor& x1, const Tensor& x2, const std::string& mode = "valid");

}  // namespace keras::ops
