// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Linear algebra of keras.ops. Matrices are the last two axes, all others count the matrices of a batch.
/// Integers become floatx. Forward-mode products (keras.ops.jvp) are keras::jvp.
namespace keras::ops {

/// The lower (or upper) factor of positive definite matrices.
Tensor cholesky(const Tensor& x, bool upper = false);
/// The inverse of the matrices whose Cholesky factors are given.
Tensor cholesky_inverse(const Tensor& x, bool upper = false);
/// Determinants of square matrices.
Tensor det(const Tensor& x);
/// Logarithms of the determinants' magnitudes.
Tensor logdet(const Tensor& x);
/// Eigenvalues and eigenvectors (columns) of square matrices, complex64. Not differentiable.
std::pair<Tensor, Tensor> eig(const Tensor& x);
/// Ascending eigenvalues and eigenvectors (columns) of symmetric matrices; only the lower triangle is read.
std::pair<Tensor, Tensor> eigh(const Tensor& x);
/// Inverses of square matrices.
Tensor inv(const Tensor& x);
/// Packed L and U factors, and for each row of x its row in L U (int32).
std::pair<Tensor, Tensor> lu_factor(const Tensor& x);
/// The `ord` of a norm: none, a number (infinities allowed), "fro" or "nuc".
class NormOrder {
 public:
  NormOrder() = default;                                      ///< none
  NormOrder(double order) : value_(order) {}                  // NOLINT
  NormOrder(int order) : value_(double(order)) {}             // NOLINT
  NormOrder(const char* name) : value_(std::string(name)) {}  // NOLINT: so is a name
  NormOrder(std::string name) : value_(std::move(name)) {}    // NOLINT

  /// True when no order was given.
  bool none() const { return std::holds_alternative<std::monostate>(value_); }
  /// The number, or nothing for a name or none.
  std::optional<double> number() const;
  /// The name, or "" for a number or none.
  std::string name() const;

 private:
  std::variant<std::monostate, double, std::string> value_;
};
/// Vector norm over one axis, matrix norm over two; without an axis over all. Throws ValueError for an order
/// that does not exist.
Tensor norm(const Tensor& x, const NormOrder& ord = {}, const Axis& axis = {}, bool keepdims = false);
/// q with orthonormal columns and upper triangular r; mode "reduced" or "complete".
std::pair<Tensor, Tensor> qr(const Tensor& x, const std::string& mode = "reduced");
/// x with a x = b; b may be one vector a matrix.
Tensor solve(const Tensor& a, const Tensor& b);
/// x with a x = b for triangular a.
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool lower = false);
/// u, descending s and v^H; compute_uv false: s alone.
std::vector<Tensor> svd(const Tensor& x, bool full_matrices = true, bool compute_uv = true);
/// The x that makes |a x - b| smallest: a (m, n), b (m,) or (m, k). Singular values below rcond times the
/// largest count as zero.
Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond = {});
/// x multiplied by itself; n may be negative.
Tensor matrix_power(const Tensor& x, int n);
/// How many singular values are larger than `tol` (none: max(m, n) eps times the largest), int32.
Tensor matrix_rank(const Tensor& x, std::optional<double> tol = {});
/// The pseudo-inverse of Moore and Penrose; rcond none: 10 max(m, n) eps.
Tensor pinv(const Tensor& x, std::optional<double> rcond = {});

}  // namespace keras::ops

namespace keras {

/// null, a number or a name.
template <>
struct FieldCodec<ops::NormOrder> {
  static std::string kind() { return "float, \"fro\", \"nuc\" or null"; }
  static Json to_json(const ops::NormOrder& value);
  static ops::NormOrder from_json(const Json& json, std::string_view where);
};

}  // namespace keras
