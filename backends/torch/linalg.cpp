// SPDX-License-Identifier: Apache-2.0
// Factorizations, by the LAPACK that LibTorch was built with.
#include "kernel.h"

namespace keras::aten {
namespace {

// The reason why not, or nothing.
const char* unfit(const Call& call) {
  const int32_t dtype = call.input(0).dtype;
  if (dtype != KERAS_FLOAT32 && dtype != KERAS_FLOAT64) return "ATen factors float32 and float64";
  if (!at::hasLAPACK()) return "this LibTorch was built without LAPACK";
  return element_count(call.input(0)) == 0 ? "the matrix has no elements" : nullptr;
}

Answer cholesky(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  const bool upper = call.attributes<CholeskyAttributes>().upper != 0;
  // The lower triangle is read in any case. A matrix that is not positive definite throws a LinAlgError.
  return [upper](const Values& in) {
    const at::Tensor lower = at::linalg_cholesky(in[0]);
    return Values{upper ? lower.transpose(-2, -1) : lower};
  };
}

Answer triangular_solve(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  if (element_count(call.input(1)) == 0) return Answer::no("the matrix has no elements");
  return [at = call.attributes<TriangularSolveAttributes>()](const Values& in) {
    const bool turned = at.transpose != 0;
    const at::Tensor a = turned ? in[0].transpose(-2, -1) : in[0];
    return Values{at::linalg_solve_triangular(a, in[1], (at.lower != 0) == turned, at.left != 0,
                                              at.unit_diagonal != 0)};
  };
}

Answer lu(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  return [](const Values& in) {
    const auto [factors, pivots, info] = at::linalg_lu_factor_ex(in[0], true, false);
    return Values{factors, at::sub(pivots, 1)};  // LAPACK counts from 1
  };
}

Answer qr(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  return [mode = call.attributes<QrAttributes>().full != 0 ? "complete" : "reduced"](const Values& in) {
    const auto [q, r] = at::linalg_qr(in[0], mode);
    return Values{q, r};
  };
}

Answer svd(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  const auto& at = call.attributes<SvdAttributes>();
  if (at.vectors == 0) return [](const Values& in) { return Values{at::linalg_svdvals(in[0])}; };
  return [full = at.full != 0](const Values& in) {
    const auto [u, s, vh] = at::linalg_svd(in[0], full);
    return Values{u, s, vh};
  };
}

Answer eigh(const Call& call) {
  if (const char* why = unfit(call)) return Answer::no(why);
  return [](const Values& in) {
    const auto [values, vectors] = at::linalg_eigh(in[0], "L");
    return Values{values, vectors};
  };
}

const bool registered = register_op("cholesky", cholesky) &&
                        register_op("triangular_solve", triangular_solve) && register_op("lu", lu) &&
                        register_op("qr", qr) && register_op("svd", svd) && register_op("eigh", eigh);

}  // namespace
}  // namespace keras::aten
