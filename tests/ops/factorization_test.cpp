// SPDX-License-Identifier: Apache-2.0
// Cholesky, LU and triangular systems of matrices that are too large for a column by column composition: what
// the factors rebuild.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/linalg.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "keras/runtime/interpreter.h"

namespace keras {
namespace {

constexpr int64_t kSize = 120;

Tensor noise(const Shape& shape, DType dtype) { return random::normal(shape, 0, 1, dtype, 7); }
Tensor transposed(const Tensor& x) { return ops::swapaxes(x, -1, -2); }

double distance(const Tensor& a, const Tensor& b) { return ops::max(ops::abs(a - b)).item<double>(); }

double tolerance(DType dtype) { return dtype == DType::float64 ? 1e-9 : 2e-3; }

TEST(Factorization, CholeskyRebuildsTheMatrix) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = noise({3, kSize, kSize}, dtype);
    const Tensor a = ops::matmul(x, transposed(x)) + ops::eye(kSize, {}, 0, dtype);
    const Tensor l = ops::cholesky(a), u = ops::cholesky(a, true);
    EXPECT_LT(distance(ops::matmul(l, transposed(l)), a), tolerance(dtype));
    EXPECT_EQ(distance(l, ops::tril(l)), 0);
    EXPECT_EQ(distance(u, transposed(l)), 0);
    // Only the lower triangle is read.
    EXPECT_EQ(distance(ops::cholesky(ops::tril(a)), l), 0);
  }
}

TEST(Factorization, CholeskyRefusesIndefiniteMatrices) {
  const Tensor a = {{1.0, 2.0}, {2.0, 1.0}};
  EXPECT_THROW(ops::cholesky(a).to_vector<double>(), ValueError);
  // The decomposition too, and for one matrix of a batch.
  const auto& op = internal::op_def(OpId::cholesky_op);
  const auto attributes = internal::make_attributes<CholeskyAttributes>();
  const Tensor operands[] = {ops::stack({ops::eye(2), a})};
  internal::DecomposeContext context{op, &attributes, operands, false};
  EXPECT_THROW(op.rule.decompose(context), ValueError);
}

TEST(Factorization, LuRebuildsTheMatrix) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{kSize, kSize}, {90, 60}, {60, 90}}) {
      const Tensor a = noise({rows, columns}, dtype);
      const auto [packed, places] = ops::lu_factor(a);
      const int64_t least = std::min(rows, columns);
      const Tensor l = ops::tril(packed, -1)[{all, Slice({}, least)}] + ops::eye(rows, least, 0, dtype);
      const Tensor u = ops::triu(packed)[{Slice({}, least), all}];
      // Row i of the matrix is row places[i] of the product.
      EXPECT_LT(distance(ops::take(ops::matmul(l, u), places, 0), a), tolerance(dtype));
      EXPECT_LE(ops::max(ops::abs(l)).item<double>(), 1.0 + 1e-6);  // the largest element is the pivot
    }
  }
}

TEST(Factorization, TriangularSystemsAreSolved) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor full = noise({2, kSize, kSize}, dtype) * 0.1 + ops::eye(kSize, {}, 0, dtype) * 3;
    const Tensor b = noise({2, kSize, 5}, dtype);
    const Tensor x = ops::solve_triangular(full, b, true), y = ops::solve_triangular(full, b, false);
    EXPECT_LT(distance(ops::matmul(ops::tril(full), x), b), tolerance(dtype));
    EXPECT_LT(distance(ops::matmul(ops::triu(full), y), b), tolerance(dtype));
    EXPECT_LT(distance(ops::matmul(full, ops::solve(full, b)), b), tolerance(dtype));
  }
}

}  // namespace
}  // namespace keras
