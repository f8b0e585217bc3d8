// SPDX-License-Identifier: Apache-2.0
// Rules of the matrix factorizations and of triangular_solve; matrices are the last two axes. Gradients:
// Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
// (2008); Walter and Lehmann (2012) for QR; Townsend, "Differentiating the singular value decomposition"
// (2016).
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/matrix.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

using matrix::multiply;
using matrix::solve_triangular;
using prim::add;
using prim::mul;
using prim::sub;

Tensor transposed(const Tensor& x) { return prim::matrix_transpose(x); }
Tensor half(const Tensor& x) { return mul(x, prim::scalar_like(x, 0.5)); }

void check_matrix(const InferContext& c, size_t i, bool square) {
  const Shape& s = c.shape(i);
  if (s.rank() < 2) fail<ValueError>({c.op, "A matrix has at least two axes", c.operands[i].to_string(), ""});
  if (!is_float(c.dtype(i)) && !is_complex(c.dtype(i))) {
    fail<TypeError>({c.op, "The matrix must have a float dtype", c.operands[i].to_string(), "cast it"});
  }
  const Dim m = s.dim(-2), n = s.dim(-1);
  if (square && m.known() && n.known() && !(m == n)) {
    fail<ValueError>({c.op, "The matrix must be square", c.operands[i].to_string(), ""});
  }
}

Shape leading_of(const Shape& s) { return s.sub(0, s.size() - 2); }

Dim smaller(const InferContext& c, Dim a, Dim b) {
  if (a == b) return a;
  if (!a.known() || !b.known()) {
    fail<ValueError>({c.op, "The extents of the matrix must be known", c.operands[0].to_string(), ""});
  }
  return std::min(a.value(), b.value());
}

// cholesky

void infer_cholesky(InferContext& c) {
  check_matrix(c, 0, true);
  c.result(c.dtype(0), c.shape(0));
}

Tensors cholesky_vjp(VjpContext& c) {
  const bool upper = c.attrs<CholeskyAttributes>().upper != 0;
  const Tensor l = upper ? transposed(c.result()) : c.result();
  const Tensor dl = upper ? transposed(c.grad()) : c.grad();
  const Tensor product = multiply(transposed(l), matrix::lower(dl));
  const Tensor phi = sub(matrix::lower(product), half(matrix::from_diagonal(matrix::diagonal(product))));
  const Tensor x = solve_triangular(l, phi, {.lower = true, .transpose = true});
  const Tensor s =
      solve_triangular(l, x, {.lower = true, .transpose = false, .unit_diagonal = false, .left = false});
  return {half(add(s, transposed(s)))};
}

Tensor positive_definite(const Shape& shape) {
  const Tensor a = sample_values(shape);
  return add(multiply(a, transposed(a)), matrix::identity(leading_of(shape), shape.dim(-1), DType::float64));
}

int64_t extent_of(const DecomposeContext& c, const Tensor& x, int axis) {
  if (!x.dim(axis).known()) {
    fail<UnsupportedError>(
        {c.op.name, "Without a kernel, the extents of the matrix must be known", x.shape().to_string(), ""});
  }
  return x.dim(axis).value();
}

Tensor rows_of(const Tensor& x, int64_t from, int64_t to) {
  return prim::slice_axis(x, x.rank() - 2, Dim(from), Dim(to));
}
Tensor columns_of(const Tensor& x, int64_t from, int64_t to) {
  return prim::slice_axis(x, x.rank() - 1, Dim(from), Dim(to));
}
// Where the row number is at least `first`: (rows, 1).
Tensor from_row(int64_t rows, int64_t first) {
  return prim::greater_equal(prim::iota(DType::int32, Shape{rows, 1}),
                             prim::scalar(static_cast<double>(first), DType::int32));
}

// Column by column.
Tensors decompose_cholesky(DecomposeContext& c) {
  const int64_t n = extent_of(c, c[0], -1);
  if (n == 0) return {c[0]};
  Tensor l;
  for (int64_t j = 0; j < n; ++j) {
    Tensor column = columns_of(c[0], j, j + 1);
    if (l.defined()) column = sub(column, multiply(l, transposed(rows_of(l, j, j + 1))));
    column = prim::div(column, prim::sqrt(rows_of(column, j, j + 1)));
    column = prim::select(from_row(n, j), column, prim::scalar_like(column, 0));
    l = l.defined() ? prim::concat({l, column}, column.rank() - 1) : column;
  }
  // The square root of a pivot below zero is NaN, and so is all that follows from it. Kernels refuse as well.
  const auto numbers = [&] {
    return prim::reduce_min(prim::cast(prim::equal(l, l), DType::int32), prim::all_axes(l.rank()));
  };
  if (!l.abstract() && l.shape().elements() > 0 && numbers().item<int32_t>() == 0) {
    fail<ValueError>(
        {c.op.name, "The matrices must be symmetric and positive definite", c[0].shape().to_string(), ""});
  }
  return {c.attrs<CholeskyAttributes>().upper != 0 ? transposed(l) : l};
}

std::vector<OpSample> cholesky_samples() {
  auto lower = make_attributes<CholeskyAttributes>();
  auto upper = lower;
  upper.upper = 1;
  // The gradient is that of symmetric matrices, so single elements cannot be moved to check it.
  return {sample("lower", {positive_definite({3, 3})}, lower, false),
          sample("upper", {positive_definite({3, 3})}, upper, false),
          sample("batch", {positive_definite({2, 3, 3})}, lower, false)};
}

// triangular_solve

void infer_triangular_solve(InferContext& c) {
  check_matrix(c, 0, true);
  check_matrix(c, 1, false);
  const auto& at = c.attrs<TriangularSolveAttributes>();
  const Dim n = c.shape(0).dim(-1), m = c.shape(1).dim(at.left != 0 ? -2 : -1);
  if (c.shape(0).size() != c.shape(1).size() || (n.known() && m.known() && !(n == m))) {
    fail<ValueError>({c.op, "a and b must have one rank, and b as many rows (columns, from the right) as a",
                      fmt::format("a {}, b {}", c.operands[0].to_string(), c.operands[1].to_string()), ""});
  }
  c.result(c.dtype(1), c.shape(1));
}

Tensors triangular_solve_vjp(VjpContext& c) {
  const auto& at = c.attrs<TriangularSolveAttributes>();
  const bool left = at.left != 0, turned = at.transpose != 0;
  const Tensor& x = c.result();
  const Tensor db = solve_triangular(
      c.operand(0), c.grad(),
      {.lower = at.lower != 0, .transpose = !turned, .unit_diagonal = at.unit_diagonal != 0, .left = left});
  Tensors out(2);
  if (c.needed[1]) out[1] = db;
  if (!c.needed[0]) return out;
  Tensor da = left ? multiply(db, transposed(x)) : multiply(transposed(x), db);
  da = prim::neg(turned ? transposed(da) : da);
  const int64_t edge = at.unit_diagonal != 0 ? 1 : 0;
  out[0] = at.lower != 0 ? matrix::lower(da, -edge) : matrix::upper(da, edge);
  return out;
}

// Row by row; from the right it is the transposed system.
Tensors decompose_triangular_solve(DecomposeContext& c) {
  const auto& at = c.attrs<TriangularSolveAttributes>();
  const bool left = at.left != 0, turned = (at.transpose != 0) == left;
  const bool lower = (at.lower != 0) != turned;
  const Tensor a = turned ? transposed(c[0]) : c[0], b = left ? c[1] : transposed(c[1]);
  const int64_t n = extent_of(c, a, -1);
  const int axis = b.rank() - 2;
  Tensor x;  // the rows solved so far, in their order
  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = lower ? k : n - 1 - k;
    const Tensor line = rows_of(a, i, i + 1);
    Tensor row = rows_of(b, i, i + 1);
    if (x.defined()) row = sub(row, multiply(lower ? columns_of(line, 0, i) : columns_of(line, i + 1, n), x));
    if (at.unit_diagonal == 0) row = prim::div(row, columns_of(line, i, i + 1));
    x = !x.defined() ? row : lower ? prim::concat({x, row}, axis) : prim::concat({row, x}, axis);
  }
  return {left ? x : transposed(x)};
}

std::vector<OpSample> triangular_solve_samples() {
  std::vector<OpSample> out;
  const Tensor a = add(sample_values({2, 3, 3}),
                       mul(matrix::identity({2}, 3, DType::float64), prim::scalar(2, DType::float64)));
  for (int bits = 0; bits < 16; ++bits) {
    auto at = make_attributes<TriangularSolveAttributes>();
    at.lower = bits & 1;
    at.transpose = (bits >> 1) & 1;
    at.unit_diagonal = (bits >> 2) & 1;
    at.left = (bits >> 3) & 1;
    out.push_back(sample(fmt::format("case {}", bits),
                         {a, at.left != 0 ? sample_values({2, 3, 2}, 0.8) : sample_values({2, 2, 3}, 0.8)},
                         at));
  }
  return out;
}

// lu

void infer_lu(InferContext& c) {
  check_matrix(c, 0, false);
  c.result(c.dtype(0), c.shape(0));
  c.result(DType::int32, leading_of(c.shape(0)) + Shape{smaller(c, c.shape(0).dim(-2), c.shape(0).dim(-1))});
}

Tensors lu_vjp(VjpContext& c) {
  const Tensor& packed = c.result(0);
  const Shape& shape = c.operand_types[0].shape;
  if (!(shape.dim(-1) == shape.dim(-2))) {
    fail<UnsupportedError>({"lu", "The gradient of LU needs square matrices", shape.to_string(), ""});
  }
  const Tensor eye = matrix::identity(leading_of(shape), shape.dim(-1), packed.dtype());
  const Tensor l = add(matrix::lower(packed, -1), eye), u = matrix::upper(packed);
  const Tensor from_l = matrix::lower(multiply(transposed(l), matrix::lower(c.grad(0), -1)), -1);
  const Tensor from_u = matrix::upper(multiply(matrix::upper(c.grad(0)), transposed(u)));
  const Tensor x =
      solve_triangular(l, add(from_l, from_u), {.lower = true, .transpose = true, .unit_diagonal = true});
  const Tensor y =
      solve_triangular(u, x, {.lower = false, .transpose = true, .unit_diagonal = false, .left = false});
  const Tensor p = matrix::permutation_matrix(c.result(1), shape.dim(-1).value(), packed.dtype());
  return {multiply(transposed(p), y)};
}

// Gaussian elimination; the first of the largest elements of a column becomes the pivot.
Tensors decompose_lu(DecomposeContext& c) {
  Tensor a = c[0];
  const int64_t m = extent_of(c, a, -2), n = extent_of(c, a, -1);
  const Tensor row = prim::iota(DType::int32, Shape{m, 1}), column = prim::iota(DType::int32, Shape{1, n}, 1);
  const Tensor zero = prim::scalar_like(a, 0);
  std::vector<Tensor> pivots;
  for (int64_t k = 0; k < std::min(m, n); ++k) {
    const Tensor step = prim::scalar(static_cast<double>(k), DType::int32);
    const Tensor size =
        prim::select(from_row(m, k), prim::abs(columns_of(a, k, k + 1)), prim::scalar_like(a, -1));
    const Tensor pivot = prim::argmax(size, size.rank() - 2, true);  // (..., 1, 1)
    const Tensor chosen = prim::equal(row, pivot);
    const Tensor upper = prim::reduce_sum(prim::select(chosen, a, zero), {a.rank() - 2}, true);
    const Tensor here = rows_of(a, k, k + 1);
    a = prim::select(prim::equal(row, step), upper, prim::select(chosen, here, a));
    const Tensor below = from_row(m, k + 1);
    const Tensor factors =
        prim::select(below, prim::div(columns_of(a, k, k + 1), columns_of(upper, k, k + 1)), zero);
    const Tensor rest = prim::greater(column, step);
    a = sub(a, prim::select(rest, mul(factors, upper), zero));
    a = prim::select(prim::bit_and(below, prim::equal(column, step)), factors, a);
    pivots.push_back(prim::squeeze(pivot, Axes{pivot.rank() - 1}));
  }
  if (pivots.empty()) return {a, prim::full(leading_of(a.shape()) + Shape{0}, 0, DType::int32)};
  return {a, prim::concat(pivots, pivots.front().rank() - 1)};
}

std::vector<OpSample> lu_samples() {
  const auto none = make_attributes<NoAttributes>();
  // Well-conditioned, and with pivots that no rounding can swap.
  return {sample("square", {positive_definite({3, 3})}, none),
          sample("batch", {positive_definite({2, 4, 4})}, none),
          sample("tall", {sample_values({4, 2})}, none, false),
          sample("wide", {sample_values({2, 4})}, none, false)};
}

// qr

void infer_qr(InferContext& c) {
  check_matrix(c, 0, false);
  const Dim m = c.shape(0).dim(-2), n = c.shape(0).dim(-1);
  const Dim k = c.attrs<QrAttributes>().full != 0 ? m : smaller(c, m, n);
  c.result(c.dtype(0), leading_of(c.shape(0)) + Shape{m, k});
  c.result(c.dtype(0), leading_of(c.shape(0)) + Shape{k, n});
}

// For q (m, n) and square r.
Tensor qr_gradient(const Tensor& q, const Tensor& r, const Tensor& dq, const Tensor& dr) {
  const Tensor m = sub(multiply(r, transposed(dr)), multiply(transposed(dq), q));
  const Tensor symmetric = add(matrix::lower(m), transposed(matrix::lower(m, -1)));
  return solve_triangular(r, add(dq, multiply(q, symmetric)),
                          {.lower = false, .transpose = true, .unit_diagonal = false, .left = false});
}

Tensors qr_vjp(VjpContext& c) {
  const Shape& shape = c.operand_types[0].shape;
  const int64_t m = shape.dim(-2).value(), n = shape.dim(-1).value();
  if (c.attrs<QrAttributes>().full != 0 && m > n) {
    fail<UnsupportedError>({"qr", "The gradient of a complete QR needs at least as many columns as rows",
                            shape.to_string(), "use mode \"reduced\""});
  }
  const Tensor& q = c.result(0);
  const Tensor& r = c.result(1);
  const Tensor dq = c.grad_or_zeros(0), dr = c.grad_or_zeros(1);
  if (m >= n) return {qr_gradient(q, r, dq, dr)};
  // Wide: the right part of a is q v.
  const int last = shape.rank() - 1;
  const auto part = [&](const Tensor& t, int64_t from, int64_t to) {
    return prim::slice_axis(t, last, Dim(from), Dim(to));
  };
  const Tensor v = part(r, m, n), dv = part(dr, m, n);
  const Tensor right = multiply(q, v);
  const Tensor left = qr_gradient(q, part(r, 0, m), add(dq, multiply(right, transposed(dv))), part(dr, 0, m));
  return {prim::concat({left, multiply(q, dv)}, last)};
}

std::vector<OpSample> qr_samples() {
  auto reduced = make_attributes<QrAttributes>();
  auto full = reduced;
  full.full = 1;
  return {sample("tall", {sample_values({4, 2})}, reduced),
          sample("square", {positive_definite({3, 3})}, reduced),
          sample("wide", {sample_values({2, 4})}, reduced),
          sample("batch", {sample_values({2, 3, 2})}, reduced),
          sample("complete", {sample_values({4, 2})}, full, false)};
}

// svd

void infer_svd(InferContext& c) {
  check_matrix(c, 0, false);
  const auto& at = c.attrs<SvdAttributes>();
  const Dim m = c.shape(0).dim(-2), n = c.shape(0).dim(-1), k = smaller(c, m, n);
  const Shape lead = leading_of(c.shape(0));
  const bool full = at.full != 0;
  if (at.vectors != 0) c.result(c.dtype(0), lead + Shape{m, full ? m : k});
  c.result(c.dtype(0), lead + Shape{k});
  if (at.vectors != 0) c.result(c.dtype(0), lead + Shape{full ? n : k, n});
}

// 1 / (x_j - x_i) off the diagonal, 0 on it.
Tensor inverse_differences(const Tensor& x) {
  const Tensor d = sub(prim::expand_dims(x, x.rank() - 1), prim::expand_dims(x, x.rank()));
  const Tensor zero = prim::equal(d, prim::scalar_like(d, 0)), one = prim::scalar_like(d, 1);
  return prim::select(zero, prim::scalar_like(d, 0), prim::div(one, prim::select(zero, one, d)));
}

Tensors svd_vjp(VjpContext& c) {
  const auto& at = c.attrs<SvdAttributes>();
  Tensor u, s, vh, du, ds, dvh;
  const Shape& shape = c.operand_types[0].shape;
  const int64_t m = shape.dim(-2).value(), n = shape.dim(-1).value();
  if (at.vectors == 0) {
    auto with = at;
    with.vectors = 1;
    with.full = 0;
    const Tensor operands[] = {c.operand(0)};
    const Tensors all = apply(OpId::svd_op, &with, operands);
    return {multiply(multiply(all[0], matrix::from_diagonal(c.grad(0))), all[2])};
  }
  if (at.full != 0 && m != n) {
    fail<UnsupportedError>({"svd",
                            "The gradient of a complete singular value decomposition needs square matrices",
                            shape.to_string(), "use full_matrices=false"});
  }
  u = c.result(0);
  s = c.result(1);
  vh = c.result(2);
  du = c.grad_or_zeros(0);
  ds = c.grad_or_zeros(1);
  dvh = c.grad_or_zeros(2);
  const Tensor v = transposed(vh), dv = transposed(dvh), diag = matrix::from_diagonal(s);
  const Tensor f = inverse_differences(mul(s, s));
  const auto skew = [](const Tensor& x) { return sub(x, transposed(x)); };
  const Tensor from_u = multiply(mul(f, skew(multiply(transposed(u), du))), diag);
  const Tensor from_v = multiply(diag, mul(f, skew(multiply(vh, dv))));
  const Tensor middle = add(add(from_u, from_v), matrix::from_diagonal(ds));
  Tensor da = multiply(u, middle, vh);
  const Tensor inverse = matrix::from_diagonal(prim::div(prim::scalar_like(s, 1), s));
  if (m > n) da = add(da, multiply(sub(du, multiply(u, multiply(transposed(u), du))), inverse, vh));
  if (m < n) {
    const Tensor rest = sub(dv, multiply(v, multiply(vh, dv)));
    da = add(da, multiply(u, inverse, transposed(rest)));
  }
  return {da};
}

std::vector<OpSample> svd_samples() {
  auto values = make_attributes<SvdAttributes>();
  auto vectors = values;
  vectors.vectors = 1;
  auto full = vectors;
  full.full = 1;
  return {sample("values", {sample_values({3, 2})}, values), sample("tall", {sample_values({4, 2})}, vectors),
          sample("wide", {sample_values({2, 4})}, vectors),
          sample("batch", {positive_definite({2, 3, 3})}, vectors),
          sample("complete", {sample_values({4, 2})}, full, false)};
}

// eigh and eig

void infer_eigh(InferContext& c) {
  check_matrix(c, 0, true);
  c.result(c.dtype(0), leading_of(c.shape(0)) + Shape{c.shape(0).dim(-1)});
  c.result(c.dtype(0), c.shape(0));
}

Tensors eigh_vjp(VjpContext& c) {
  const Tensor &w = c.result(0), &v = c.result(1);
  const Tensor dv = c.grad_or_zeros(1);
  const Tensor middle = add(matrix::from_diagonal(c.grad_or_zeros(0)),
                            mul(inverse_differences(w), multiply(transposed(v), dv)));
  const Tensor da = multiply(v, middle, transposed(v));
  // Only the lower triangle is read, so both halves of the symmetric gradient belong to it.
  const Tensor both = matrix::lower(add(da, transposed(da)));
  return {sub(both, half(matrix::from_diagonal(matrix::diagonal(both))))};
}

std::vector<OpSample> eigh_samples() {
  const auto none = make_attributes<NoAttributes>();
  return {sample("plain", {positive_definite({3, 3})}, none),
          sample("batch", {positive_definite({2, 3, 3})}, none)};
}

void infer_eig(InferContext& c) {
  check_matrix(c, 0, true);
  c.result(DType::complex64, leading_of(c.shape(0)) + Shape{c.shape(0).dim(-1)});
  c.result(DType::complex64, c.shape(0));
}

std::vector<OpSample> eig_samples() {
  return {sample("plain", {sample_values({3, 3})}, make_attributes<NoAttributes>(), false)};
}

}  // namespace

KERAS_OP_RULE(cholesky, .infer = infer_cholesky, .vjp = cholesky_vjp, .decompose = decompose_cholesky,
              .samples = cholesky_samples);
KERAS_OP_RULE(triangular_solve, .infer = infer_triangular_solve, .vjp = triangular_solve_vjp,
              .decompose = decompose_triangular_solve, .samples = triangular_solve_samples);
KERAS_OP_RULE(lu, .infer = infer_lu, .vjp = lu_vjp, .decompose = decompose_lu, .samples = lu_samples);
KERAS_OP_RULE(qr, .infer = infer_qr, .vjp = qr_vjp, .samples = qr_samples);
KERAS_OP_RULE(svd, .infer = infer_svd, .vjp = svd_vjp, .samples = svd_samples);
KERAS_OP_RULE(eigh, .infer = infer_eigh, .vjp = eigh_vjp, .samples = eigh_samples);
KERAS_OP_RULE(eig, .infer = infer_eig, .samples = eig_samples);

}  // namespace keras::internal
