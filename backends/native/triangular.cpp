// SPDX-License-Identifier: Apache-2.0
// Cholesky and LU factors and triangular systems through LAPACK, in double. A matrix row by row is its
// transpose column by column, so that what LAPACK computes of the transpose needs no copy in another order.
#include <algorithm>
#include <vector>

#include "kernel.h"
#include "lapack.h"

namespace keras::native {
namespace {

// Matrix `which` as it lies: row by row.
Matrix rows(const keras_tensor& t, const Batch& b, int64_t which) {
  Matrix a(static_cast<size_t>(b.elements()));
  for (int64_t i = 0; i < b.elements(); ++i) a[static_cast<size_t>(i)] = element(t, which * b.elements() + i);
  return a;
}

// Calls f(matrix) for every matrix of a batch, on several threads where each is worth one.
template <class F>
void for_each_matrix(const Batch& b, const F& f) {
  const int64_t work = std::max<int64_t>(b.elements() * std::max(std::min(b.rows, b.columns), 1), 1);
  parallel_for(b.count, std::max<int64_t>(65536 / work, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

struct CholeskyKernel final : keras_kernel {
  bool upper = false;
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int n = b.rows, lda = std::max(n, 1);
    void* memory = output(out[0]);
    for_each_matrix(b, [&](int64_t which) {
      Matrix a = rows(in[0], b, which);
      int info = 0;
      // The lower triangle of the rows is LAPACK's upper one, whose factor is the transpose of ours.
      lapack().potrf("U", &n, a.data(), &lda, &info);
      if (info != 0) {
        throw Failure(KERAS_ERROR_VALUE, "cholesky needs symmetric positive definite matrices; the leading " +
                                             std::to_string(info) + " rows of matrix " +
                                             std::to_string(which) + " are not");
      }
      for (int r = 0; r < n; ++r) {
        for (int c = 0; c < n; ++c) {
          const int from = upper ? c * n + r : r * n + c;
          const bool inside = upper ? c >= r : c <= r;
          store(out[0], memory, which * b.elements() + r * n + c, inside ? a[static_cast<size_t>(from)] : 0);
        }
      }
    });
  }
};

struct LuKernel final : keras_kernel {
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int m = b.rows, n = b.columns, least = std::min(m, n), lda = std::max(m, 1);
    void* memory = output(out[0]);
    auto* pivots = output_as<int32_t>(out[1]);
    for_each_matrix(b, [&](int64_t which) {
      Matrix a = load(in[0], b, which);
      std::vector<int> swaps(static_cast<size_t>(std::max(least, 1)));
      int info = 0;  // above 0: a pivot is 0, which the factors show
      lapack().getrf(&m, &n, a.data(), &lda, swaps.data(), &info);
      save(out[0], memory, a, m, which);
      for (int i = 0; i < least; ++i) pivots[which * least + i] = swaps[static_cast<size_t>(i)] - 1;
    });
  }
};

struct TriangularSolveKernel final : keras_kernel {
  TriangularSolveAttributes at{};
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch a(in[0].desc), b(in[1].desc);
    const int n = std::max(a.rows, 1), m_rows = b.columns, columns = b.rows, ldb = std::max(b.columns, 1);
    void* memory = output(out[0]);
    for_each_matrix(b, [&](int64_t which) {
      const Matrix factor = rows(in[0], a, which);
      Matrix x = rows(in[1], b, which);
      // a x = b is x' a' = b' of the transposes.
      const char* side = at.left != 0 ? "R" : "L";
      const char* triangle = at.lower != 0 ? "U" : "L";
      const char* turned = at.transpose != 0 ? "T" : "N";
      const char* diagonal = at.unit_diagonal != 0 ? "U" : "N";
      const double one = 1;
      lapack().trsm(side, triangle, turned, diagonal, &m_rows, &columns, &one, factor.data(), &n, x.data(),
                    &ldb);
      for (int64_t i = 0; i < b.elements(); ++i) {
        store(out[0], memory, which * b.elements() + i, x[static_cast<size_t>(i)]);
      }
    });
  }
};

std::unique_ptr<keras_kernel> make_cholesky(const keras_op& op, std::string& reason) {
  if (!factorable(op, reason)) return nullptr;
  auto kernel = std::make_unique<CholeskyKernel>();
  kernel->upper = attributes<CholeskyAttributes>(op).upper != 0;
  return kernel;
}

std::unique_ptr<keras_kernel> make_lu(const keras_op& op, std::string& reason) {
  if (!factorable(op, reason)) return nullptr;
  return std::make_unique<LuKernel>();
}

std::unique_ptr<keras_kernel> make_triangular_solve(const keras_op& op, std::string& reason) {
  if (!factorable(op, reason)) return nullptr;
  const keras_desc &a = op.inputs[0], &b = op.inputs[1];
  bool alike = a.rank == b.rank && a.dtype == b.dtype;
  for (int i = 0; alike && i + 2 < a.rank; ++i) alike = a.shape[i] == b.shape[i];
  if (!alike) {
    reason = "both operands must have one dtype and the same leading axes";
    return nullptr;
  }
  auto kernel = std::make_unique<TriangularSolveKernel>();
  kernel->at = attributes<TriangularSolveAttributes>(op);
  return kernel;
}

const bool kRegistered = register_kernel("cholesky", make_cholesky) && register_kernel("lu", make_lu) &&
                         register_kernel("triangular_solve", make_triangular_solve);

}  // namespace
}  // namespace keras::native
