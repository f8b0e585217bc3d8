// SPDX-License-Identifier: Apache-2.0
// The factorization whose decomposition could not say that a matrix is not positive definite.
#include "kernel.h"

namespace keras::aten {
namespace {

Answer cholesky(const Call& call) {
  const int32_t dtype = call.input(0).dtype;
  if (dtype != KERAS_FLOAT32 && dtype != KERAS_FLOAT64) return Answer::no("ATen factors float32 and float64");
  if (!at::hasLAPACK()) return Answer::no("this LibTorch was built without LAPACK");
  const bool upper = call.attributes<CholeskyAttributes>().upper != 0;
  // The lower triangle is read in any case. A matrix that is not positive definite throws a LinAlgError.
  return [upper](const Values& in) {
    const at::Tensor lower = at::linalg_cholesky(in[0]);
    return Values{upper ? lower.transpose(-2, -1) : lower};
  };
}

const bool registered = register_op("cholesky", cholesky);

}  // namespace
}  // namespace keras::aten
