// SPDX-License-Identifier: Apache-2.0
// Batched matrix arithmetic on the last two axes, for the rules and functions of linear algebra.
#pragma once

#include "keras/tensor/tensor.h"

namespace keras::internal::matrix {

/// a b with equal leading axes.
Tensor multiply(const Tensor& a, const Tensor& b);
/// a, b, c in one product.
Tensor multiply(const Tensor& a, const Tensor& b, const Tensor& c);
/// The elements with column - row <= offset (lower) or >= offset (upper); zeros elsewhere.
Tensor lower(const Tensor& x, int64_t offset = 0);
Tensor upper(const Tensor& x, int64_t offset = 0);
/// The main diagonal (..., min(m, n)).
Tensor diagonal(const Tensor& x);
/// Square matrices with the vectors (..., n) on the diagonal.
Tensor from_diagonal(const Tensor& v);
/// The identity, broadcast to square matrices of x's leading axes.
Tensor identity(const Shape& leading, Dim size, DType dtype);
/// a x = b, or x a = b where `left` is false, with triangular a.
struct Triangle {
  bool lower = true;
  bool transpose = false;
  bool unit_diagonal = false;
  bool left = true;
};
Tensor solve_triangular(const Tensor& a, const Tensor& b, const Triangle& how);
/// Row numbers after the swaps of an LU factorization's pivots: (P a)[i] = a[permutation[i]]; int32 (..., n).
Tensor permutation(const Tensor& pivots, int64_t rows);
/// The permutation matrices P (..., n, n).
Tensor permutation_matrix(const Tensor& pivots, int64_t rows, DType dtype);

}  // namespace keras::internal::matrix
