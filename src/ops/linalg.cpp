// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/linalg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "keras/base/error.h"
#include "ops/matrix.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

std::optional<double> NormOrder::number() const {
  const double* value = std::get_if<double>(&value_);
  return value == nullptr ? std::nullopt : std::optional<double>(*value);
}

std::string NormOrder::name() const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value == nullptr ? std::string() : *value;
}

namespace {

// A float tensor of at least one matrix.
Tensor matrices(const char* where, const Tensor& x) {
  if (x.rank() < 2) {
    fail<ValueError>({where, "A matrix has at least two axes", "shape " + x.shape().to_string(), ""});
  }
  return as_float(x);
}

Tensor transposed(const Tensor& x) { return prim::matrix_transpose(x); }

double epsilon_of(DType dtype) {
  return dtype == DType::float64 ? std::numeric_limits<double>::epsilon()
                                 : std::numeric_limits<float>::epsilon();
}

double larger_extent(const char* where, const Tensor& x) {
  if (!x.dim(-1).known() || !x.dim(-2).known()) {
    fail<ValueError>(
        {where, "The extents of the matrix must be known", "shape " + x.shape().to_string(), ""});
  }
  return static_cast<double>(std::max(x.dim(-1).value(), x.dim(-2).value()));
}

std::pair<Tensor, Tensor> lu(const Tensor& x) {
  const Tensor operands[] = {x};
  const auto none = make_attributes<NoAttributes>();
  const Tensors out = apply(OpId::lu_op, &none, operands);
  return {out[0], out[1]};
}

std::vector<Tensor> decompose(const Tensor& x, bool full, bool vectors) {
  auto at = make_attributes<SvdAttributes>();
  at.full = full ? 1 : 0;
  at.vectors = vectors ? 1 : 0;
  const Tensor operands[] = {x};
  const Tensors out = apply(OpId::svd_op, &at, operands);
  return {out.begin(), out.end()};
}

// a and b with common leading axes; b has a column axis.
std::pair<Tensor, Tensor> aligned(const char* where, const Tensor& a, const Tensor& b) {
  const Shape lead =
      broadcast_shapes(where, a.shape().sub(0, a.shape().size() - 2), b.shape().sub(0, b.shape().size() - 2));
  const auto widen = [&](const Tensor& t) {
    return prim::broadcast_to(t, lead + t.shape().sub(t.shape().size() - 2));
  };
  return {widen(a), widen(b)};
}

Tensor solved(const Tensor& a, const Tensor& b) {
  const auto [packed, pivots] = lu(a);
  const Tensor moved = matrix::multiply(matrix::permutation_matrix(pivots, a.dim(-1).value(), a.dtype()), b);
  const Tensor lower =
      matrix::solve_triangular(packed, moved, {.lower = true, .transpose = false, .unit_diagonal = true});
  return matrix::solve_triangular(packed, lower, {.lower = false});
}

void check_square(const char* where, const Tensor& x) {
  const Dim m = x.dim(-2), n = x.dim(-1);
  if (m.known() && n.known() && !(m == n)) {
    fail<ValueError>({where, "The matrix must be square", "shape " + x.shape().to_string(), ""});
  }
}

// Applies a solver of matrices to a right-hand side that may be a vector a matrix.
template <class F>
Tensor with_columns(const char* where, const Tensor& a, const Tensor& b, F&& solver) {
  const auto [x, y] = promote_float(a, b);
  matrices(where, x);
  check_square(where, x);
  const bool vector = y.rank() == x.rank() - 1;
  const auto [left, right] = aligned(where, x, vector ? prim::expand_dims(y, y.rank()) : matrices(where, y));
  const Tensor out = solver(left, right);
  return vector ? prim::squeeze(out, Axes{out.rank() - 1}) : out;
}

}  // namespace

Tensor cholesky(const Tensor& x, bool upper) {
  if (auto node = symbolic<&cholesky>(x, upper)) return *node;
  auto at = make_attributes<CholeskyAttributes>();
  at.upper = upper ? 1 : 0;
  return apply_op(OpId::cholesky_op, at, {matrices("cholesky", x)});
}

Tensor cholesky_inverse(const Tensor& x, bool upper) {
  if (auto node = symbolic<&cholesky_inverse>(x, upper)) return *node;
  const Tensor a = matrices("cholesky_inverse", x);
  const Tensor eye = matrix::identity(a.shape().sub(0, a.shape().size() - 2), a.dim(-1), a.dtype());
  const Tensor inverse = matrix::solve_triangular(a, eye, {.lower = !upper});
  return upper ? matrix::multiply(inverse, transposed(inverse))
               : matrix::multiply(transposed(inverse), inverse);
}

Tensor det(const Tensor& x) {
  if (auto node = symbolic<&det>(x)) return *node;
  const Tensor a = matrices("det", x);
  check_square("det", a);
  const auto [packed, pivots] = lu(a);
  const int last = pivots.rank() - 1;
  // Each swap of two rows turns the sign.
  const Tensor swapped = prim::not_equal(pivots, prim::iota(DType::int32, Shape{pivots.dim(-1)}));
  const Tensor one = prim::scalar_like(a, 1);
  const Tensor sign = prim::reduce_prod(prim::select(swapped, prim::neg(one), one), {last});
  return prim::mul(prim::reduce_prod(matrix::diagonal(packed), {last}), sign);
}

Tensor logdet(const Tensor& x) {
  if (auto node = symbolic<&logdet>(x)) return *node;
  const Tensor a = matrices("logdet", x);
  check_square("logdet", a);
  const Tensor diagonal = matrix::diagonal(lu(a).first);
  return prim::reduce_sum(prim::log(prim::abs(diagonal)), {diagonal.rank() - 1});
}

std::pair<Tensor, Tensor> eig(const Tensor& x) {
  if (auto node = symbolic<&eig>(x)) return *node;
  const Tensor operands[] = {matrices("eig", x)};
  const auto none = make_attributes<NoAttributes>();
  const Tensors out = apply(OpId::eig_op, &none, operands);
  return {out[0], out[1]};
}

std::pair<Tensor, Tensor> eigh(const Tensor& x) {
  if (auto node = symbolic<&eigh>(x)) return *node;
  const Tensor operands[] = {matrices("eigh", x)};
  const auto none = make_attributes<NoAttributes>();
  const Tensors out = apply(OpId::eigh_op, &none, operands);
  return {out[0], out[1]};
}

Tensor inv(const Tensor& x) {
  if (auto node = symbolic<&inv>(x)) return *node;
  const Tensor a = matrices("inv", x);
  check_square("inv", a);
  return solved(a, matrix::identity(a.shape().sub(0, a.shape().size() - 2), a.dim(-1), a.dtype()));
}

std::pair<Tensor, Tensor> lu_factor(const Tensor& x) {
  if (auto node = symbolic<&lu_factor>(x)) return *node;
  const Tensor a = matrices("lu_factor", x);
  const auto [packed, pivots] = lu(a);
  const Tensor p = matrix::permutation_matrix(pivots, a.dim(-2).value(), DType::int32);
  // Row j of x stands in row i of L U where the permutation takes i to j.
  const Tensor rows = prim::iota(DType::int32, Shape{a.dim(-2), 1}, 0);
  return {packed, prim::reduce_sum(prim::mul(p, rows), {p.rank() - 2})};
}

namespace {

Tensor vector_norm(const Tensor& x, const NormOrder& ord, const Axes& axes, bool keepdims) {
  if (!ord.name().empty()) {
    fail<ValueError>({"norm", "The order of a vector norm must be a number", "ord=" + ord.name(), ""});
  }
  const double order = ord.number().value_or(2);
  const Tensor size = prim::abs(x);
  if (order == 2) return prim::sqrt(prim::reduce_sum(prim::mul(size, size), axes, keepdims));
  if (std::isinf(order))
    return order > 0 ? prim::reduce_max(size, axes, keepdims) : prim::reduce_min(size, axes, keepdims);
  if (order == 0) {
    const Tensor there = prim::not_equal(size, prim::scalar_like(size, 0));
    return prim::reduce_sum(prim::cast(there, size.dtype()), axes, keepdims);
  }
  const Tensor sum = prim::reduce_sum(prim::pow(size, prim::scalar_like(size, order)), axes, keepdims);
  return prim::pow(sum, prim::scalar_like(sum, 1.0 / order));
}

Tensor matrix_norm(const Tensor& x, const NormOrder& ord, int row, int column, bool keepdims) {
  const auto finish = [&](const Tensor& kept) {
    return keepdims ? kept : prim::squeeze(kept, Axes{std::min(row, column), std::max(row, column)});
  };
  const std::string name = ord.name();
  if (ord.none() || name == "fro") {
    const Tensor size = prim::abs(x);
    const Axes both{std::min(row, column), std::max(row, column)};
    return finish(prim::sqrt(prim::reduce_sum(prim::mul(size, size), both, true)));
  }
  const double order = ord.number().value_or(0);
  const auto is = [&](double wanted) { return name.empty() && order == wanted; };
  const double infinity = std::numeric_limits<double>::infinity();
  if (is(1) || is(-1) || is(infinity) || is(-infinity)) {
    const int summed = std::isinf(order) ? column : row, chosen = std::isinf(order) ? row : column;
    const Tensor sums = prim::reduce_sum(prim::abs(x), {summed}, true);
    return finish(order > 0 ? prim::reduce_max(sums, {chosen}, true)
                            : prim::reduce_min(sums, {chosen}, true));
  }
  if (name != "nuc" && !is(2) && !is(-2)) {
    fail<ValueError>({"norm",
                      "The order of a matrix norm must be none, 1, -1, 2, -2, infinity, \"fro\" or \"nuc\"",
                      name.empty() ? fmt::format("ord={}", order) : "ord=" + name, ""});
  }
  Axes permutation;
  for (int a = 0; a < x.rank(); ++a) {
    if (a != row && a != column) permutation.push_back(a);
  }
  permutation.push_back(row);
  permutation.push_back(column);
  const Tensor values = decompose(prim::transpose(x, permutation), false, false)[0];
  const Axes last{values.rank() - 1};
  const Tensor out = name == "nuc" ? prim::reduce_sum(values, last)
                     : order > 0   ? prim::reduce_max(values, last)
                                   : prim::reduce_min(values, last);
  if (!keepdims) return out;
  return prim::expand_dims(prim::expand_dims(out, std::min(row, column)), std::max(row, column));
}

}  // namespace

Tensor norm(const Tensor& x, const NormOrder& ord, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&norm>(x, ord, axis, keepdims)) return *node;
  const Tensor z = as_float(x);
  Axes axes;
  for (const int64_t a : axis.values()) axes.push_back(normalize_axis("norm", a, z.rank()));
  if (axis.none()) axes = prim::all_axes(z.rank());
  if (axes.size() == 1) return vector_norm(z, ord, axes, keepdims);
  if (axes.size() == 2 && axes[0] != axes[1]) return matrix_norm(z, ord, axes[0], axes[1], keepdims);
  fail<ValueError>({"norm", "A norm goes over one axis or two different ones",
                    fmt::format("x.shape={}, {} axes", z.shape().to_string(), axes.size()), "give axis"});
}

std::pair<Tensor, Tensor> qr(const Tensor& x, const std::string& mode) {
  if (auto node = symbolic<&qr>(x, mode)) return *node;
  if (mode != "reduced" && mode != "complete") fail_unknown_name("qr", "mode", mode, {"reduced", "complete"});
  auto at = make_attributes<QrAttributes>();
  at.full = mode == "complete" ? 1 : 0;
  const Tensor operands[] = {matrices("qr", x)};
  const Tensors out = apply(OpId::qr_op, &at, operands);
  return {out[0], out[1]};
}

Tensor solve(const Tensor& a, const Tensor& b) {
  if (auto node = symbolic<&solve>(a, b)) return *node;
  return with_columns("solve", a, b, solved);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool lower) {
  if (auto node = symbolic<&solve_triangular>(a, b, lower)) return *node;
  return with_columns("solve_triangular", a, b, [&](const Tensor& x, const Tensor& y) {
    return matrix::solve_triangular(x, y, {.lower = lower});
  });
}

std::vector<Tensor> svd(const Tensor& x, bool full_matrices, bool compute_uv) {
  if (auto node = symbolic<&svd>(x, full_matrices, compute_uv)) return *node;
  return decompose(matrices("svd", x), full_matrices, compute_uv);
}

Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond) {
  if (auto node = symbolic<&lstsq>(a, b, rcond)) return *node;
  const auto [x, y] = promote_float(a, b);
  const bool vector = y.rank() == 1;
  if (x.rank() != 2 || (y.rank() != 1 && y.rank() != 2) || !(x.dim(0) == y.dim(0))) {
    fail<ValueError>({"lstsq", "a must be (m, n) and b (m,) or (m, k)",
                      fmt::format("a.shape={}, b.shape={}", a.shape().to_string(), b.shape().to_string()),
                      ""});
  }
  const Tensor right = vector ? prim::expand_dims(y, 1) : y;
  const double eps = epsilon_of(x.dtype());
  const double cut = !rcond ? eps * larger_extent("lstsq", x) : *rcond < 0 ? eps : *rcond;
  const auto parts = decompose(x, false, true);
  const Tensor& s = parts[1];
  const Tensor one = prim::scalar_like(s, 1);
  const Tensor kept =
      prim::greater_equal(s, prim::mul(prim::reduce_max(s, {0}, true), prim::scalar_like(s, cut)));
  const Tensor inverse =
      prim::select(kept, prim::div(one, prim::select(kept, s, one)), prim::scalar_like(s, 0));
  const Tensor scaled =
      prim::mul(prim::expand_dims(inverse, 1), matrix::multiply(transposed(parts[0]), right));
  const Tensor out = matrix::multiply(transposed(parts[2]), scaled);
  return vector ? prim::squeeze(out, Axes{1}) : out;
}

Tensor matrix_power(const Tensor& x, int n) {
  if (auto node = symbolic<&matrix_power>(x, n)) return *node;
  Tensor base = matrices("matrix_power", x);
  check_square("matrix_power", base);
  if (n == 0)
    return matrix::identity(base.shape().sub(0, base.shape().size() - 2), base.dim(-1), base.dtype());
  if (n < 0) base = inv(base);
  Tensor out;
  for (unsigned left = static_cast<unsigned>(std::abs(n)); left > 0; left /= 2) {
    if (left % 2 == 1) out = out.defined() ? matrix::multiply(out, base) : base;
    if (left > 1) base = matrix::multiply(base, base);
  }
  return out;
}

Tensor matrix_rank(const Tensor& x, std::optional<double> tol) {
  if (auto node = symbolic<&matrix_rank>(x, tol)) return *node;
  const Tensor a = matrices("matrix_rank", x);
  const Tensor s = decompose(a, false, false)[0];
  const Axes last{s.rank() - 1};
  const Tensor bound =
      tol ? prim::scalar_like(s, *tol)
          : prim::mul(prim::reduce_max(s, last, true),
                      prim::scalar_like(s, larger_extent("matrix_rank", a) * epsilon_of(a.dtype())));
  return prim::reduce_sum(prim::cast(prim::greater(s, bound), DType::int32), last);
}

Tensor pinv(const Tensor& x, std::optional<double> rcond) {
  if (auto node = symbolic<&pinv>(x, rcond)) return *node;
  const Tensor a = matrices("pinv", x);
  const double cut = rcond.value_or(10.0 * larger_extent("pinv", a) * epsilon_of(a.dtype()));
  const auto parts = decompose(a, false, true);
  const Tensor& s = parts[1];
  const Tensor one = prim::scalar_like(s, 1);
  const Tensor bound = prim::mul(prim::reduce_max(s, {s.rank() - 1}, true), prim::scalar_like(s, cut));
  const Tensor kept = prim::greater(s, bound);
  const Tensor inverse =
      prim::select(kept, prim::div(one, prim::select(kept, s, one)), prim::scalar_like(s, 0));
  const Tensor columns = prim::mul(transposed(parts[2]), prim::expand_dims(inverse, inverse.rank() - 1));
  return matrix::multiply(columns, transposed(parts[0]));
}

}  // namespace keras::ops

namespace keras {

Json FieldCodec<ops::NormOrder>::to_json(const ops::NormOrder& value) {
  if (value.none()) return nullptr;
  if (value.number()) return Json(*value.number());
  return Json(value.name());
}

ops::NormOrder FieldCodec<ops::NormOrder>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_string()) return ops::NormOrder(std::string(json.as_string(where)));
  return ops::NormOrder(FieldCodec<double>::from_json(json, where));
}

}  // namespace keras
