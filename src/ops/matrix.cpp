// SPDX-License-Identifier: Apache-2.0
#include "ops/matrix.h"

#include <algorithm>

#include "ops/primitives.h"

namespace keras::internal::matrix {

namespace {

// Column minus row, broadcast against x.
Tensor offsets(Dim rows, Dim columns) {
  return prim::sub(prim::iota(DType::int32, Shape{rows, columns}, 1),
                   prim::iota(DType::int32, Shape{rows, columns}, 0));
}

Tensor offsets_of(const Tensor& x) { return offsets(x.dim(-2), x.dim(-1)); }

Tensor int32(int64_t value) { return prim::scalar(static_cast<double>(value), DType::int32); }

}  // namespace

Tensor multiply(const Tensor& a, const Tensor& b) {
  auto at = make_attributes<DotAttributes>();
  const int64_t rank = a.rank();
  at.lhs_contract = to_list({rank - 1});
  at.rhs_contract = to_list({rank - 2});
  for (int64_t i = 0; i + 2 < rank; ++i) at.lhs_batch.v[i] = at.rhs_batch.v[i] = i;
  at.lhs_batch.count = at.rhs_batch.count = rank - 2;
  return prim::dot_general(a, b, at);
}

Tensor multiply(const Tensor& a, const Tensor& b, const Tensor& c) { return multiply(multiply(a, b), c); }

Tensor lower(const Tensor& x, int64_t offset) {
  return prim::select(prim::less_equal(offsets_of(x), int32(offset)), x, prim::scalar_like(x, 0));
}

Tensor upper(const Tensor& x, int64_t offset) {
  return prim::select(prim::greater_equal(offsets_of(x), int32(offset)), x, prim::scalar_like(x, 0));
}

Tensor diagonal(const Tensor& x) {
  const int64_t m = x.dim(-2).value(), n = x.dim(-1).value();
  const Tensor on = prim::equal(offsets_of(x), int32(0));
  const Tensor sum =
      prim::reduce_sum(prim::select(on, x, prim::scalar_like(x, 0)), {x.rank() - (m <= n ? 1 : 2)});
  return sum;
}

Tensor from_diagonal(const Tensor& v) {
  const Tensor on = prim::equal(offsets(v.dim(-1), v.dim(-1)), int32(0));
  return prim::select(on, prim::expand_dims(v, v.rank()), prim::scalar_like(v, 0));
}

Tensor identity(const Shape& leading, Dim size, DType dtype) {
  const Tensor eye = prim::cast(prim::equal(offsets(size, size), int32(0)), dtype);
  return prim::broadcast_to(eye, leading + Shape{size, size});
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, const Triangle& how) {
  auto at = make_attributes<TriangularSolveAttributes>();
  at.lower = how.lower ? 1 : 0;
  at.transpose = how.transpose ? 1 : 0;
  at.unit_diagonal = how.unit_diagonal ? 1 : 0;
  at.left = how.left ? 1 : 0;
  return apply_op(OpId::triangular_solve_op, at, {a, b});
}

Tensor permutation(const Tensor& pivots, int64_t rows) {
  const Shape leading = pivots.shape().sub(0, pivots.shape().size() - 1);
  const Tensor places = prim::iota(DType::int32, Shape{Dim(rows)});
  Tensor order = prim::broadcast_to(places, leading + Shape{Dim(rows)});
  const int last = pivots.rank() - 1;
  for (int64_t i = 0; i < pivots.dim(-1).value(); ++i) {
    const Tensor partner = prim::slice_axis(pivots, last, Dim(i), Dim(i + 1));
    const Tensor there = prim::equal(places, partner);
    const Tensor mine = prim::slice_axis(order, last, Dim(i), Dim(i + 1));
    const Tensor other = prim::reduce_sum(prim::select(there, order, int32(0)), {last}, true);
    order = prim::select(prim::equal(places, int32(i)), other, prim::select(there, mine, order));
  }
  return order;
}

Tensor permutation_matrix(const Tensor& pivots, int64_t rows, DType dtype) {
  const Tensor order = permutation(pivots, rows);
  const Tensor hit =
      prim::equal(prim::expand_dims(order, order.rank()), prim::iota(DType::int32, Shape{Dim(rows)}));
  return prim::cast(hit, dtype);
}

}  // namespace keras::internal::matrix
