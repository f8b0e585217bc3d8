// SPDX-License-Identifier: Apache-2.0
// QR, SVD and eigenvalues through LAPACK. Matrices are computed in double, column by column as LAPACK wants
// them.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kernel.h"
#include "lapack.h"

namespace keras::native {
namespace {

void check(const char* op, int info) {
  if (info == 0) return;
  throw Failure(KERAS_ERROR_VALUE, std::string(op) +
                                       " did not converge: the matrix must be finite (LAPACK's info is " +
                                       std::to_string(info) + ")");
}

// LAPACK ends the process, or runs on and on, over what is not finite.
void require_finite(const char* op, const Matrix& a) {
  if (std::all_of(a.begin(), a.end(), [](double x) { return std::isfinite(x); })) return;
  throw Failure(KERAS_ERROR_VALUE, std::string(op) + " needs finite matrices");
}

int work_size(double wanted) { return std::max(1, static_cast<int>(wanted)); }

struct QrKernel final : keras_kernel {
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int m = b.rows, n = b.columns, k = static_cast<int>(Batch(out[0].desc).columns),
              least = std::min(m, n);
    void* q_memory = output(out[0]);
    void* r_memory = output(out[1]);
    for (int64_t i = 0; i < b.count; ++i) {
      Matrix a = load(in[0], b, i);
      a.resize(static_cast<size_t>(m) * static_cast<size_t>(std::max(n, k)));
      Matrix tau(static_cast<size_t>(std::max(least, 1)));
      Matrix work(1);
      int info = 0, query = -1;
      const int lda = std::max(m, 1);
      lapack().geqrf(&m, &n, a.data(), &lda, tau.data(), work.data(), &query, &info);
      int size = work_size(work[0]);
      work.resize(static_cast<size_t>(size));
      lapack().geqrf(&m, &n, a.data(), &lda, tau.data(), work.data(), &size, &info);
      check("qr", info);
      Matrix r(static_cast<size_t>(k) * static_cast<size_t>(n), 0.0);
      for (int c = 0; c < n; ++c) {
        for (int row = 0; row < std::min(c + 1, k); ++row) {
          r[static_cast<size_t>(c * k + row)] =
              a[static_cast<size_t>(c) * static_cast<size_t>(m) + static_cast<size_t>(row)];
        }
      }
      save(out[1], r_memory, r, k, i);
      lapack().orgqr(&m, &k, &least, a.data(), &lda, tau.data(), work.data(), &query, &info);
      size = work_size(work[0]);
      work.resize(static_cast<size_t>(size));
      lapack().orgqr(&m, &k, &least, a.data(), &lda, tau.data(), work.data(), &size, &info);
      check("qr", info);
      save(out[0], q_memory, a, m, i);
    }
  }
};

struct SvdKernel final : keras_kernel {
  bool vectors = true;
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int m = b.rows, n = b.columns, least = std::min(m, n);
    const int u_columns = vectors ? Batch(out[0].desc).columns : 1;
    const int v_rows = vectors ? Batch(out[2].desc).rows : 1;
    const char job = !vectors ? 'N' : u_columns == m && v_rows == n ? 'A' : 'S';
    keras_tensor& values = out[vectors ? 1 : 0];
    void* s_memory = output(values);
    void* u_memory = vectors ? output(out[0]) : nullptr;
    void* v_memory = vectors ? output(out[2]) : nullptr;
    for (int64_t i = 0; i < b.count; ++i) {
      Matrix a = load(in[0], b, i);
      require_finite("svd", a);
      Matrix s(static_cast<size_t>(std::max(least, 1)));
      Matrix u(static_cast<size_t>(m) * static_cast<size_t>(u_columns) + 1);
      Matrix vt(static_cast<size_t>(v_rows) * static_cast<size_t>(n) + 1);
      Matrix work(1);
      std::vector<int> integers(static_cast<size_t>(8 * least + 1));
      int info = 0, query = -1;
      const int lda = std::max(m, 1), ldu = std::max(m, 1), ldvt = std::max(v_rows, 1);
      lapack().gesdd(&job, &m, &n, a.data(), &lda, s.data(), u.data(), &ldu, vt.data(), &ldvt, work.data(),
                     &query, integers.data(), &info);
      int size = work_size(work[0]);
      work.resize(static_cast<size_t>(size));
      lapack().gesdd(&job, &m, &n, a.data(), &lda, s.data(), u.data(), &ldu, vt.data(), &ldvt, work.data(),
                     &size, integers.data(), &info);
      check("svd", info);
      for (int j = 0; j < least; ++j) store(values, s_memory, i * least + j, s[static_cast<size_t>(j)]);
      if (vectors) {
        save(out[0], u_memory, u, m, i);
        save(out[2], v_memory, vt, v_rows, i);
      }
    }
  }
};

struct EighKernel final : keras_kernel {
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int n = b.rows, lda = std::max(n, 1);
    void* w_memory = output(out[0]);
    void* v_memory = output(out[1]);
    for (int64_t i = 0; i < b.count; ++i) {
      Matrix a = load(in[0], b, i);
      require_finite("eigh", a);
      Matrix w(static_cast<size_t>(lda));
      Matrix work(1);
      std::vector<int> integers(1);
      int info = 0, query = -1;
      lapack().syevd("V", "L", &n, a.data(), &lda, w.data(), work.data(), &query, integers.data(), &query,
                     &info);
      int size = work_size(work[0]), integer_size = std::max(1, integers[0]);
      work.resize(static_cast<size_t>(size));
      integers.resize(static_cast<size_t>(integer_size));
      lapack().syevd("V", "L", &n, a.data(), &lda, w.data(), work.data(), &size, integers.data(),
                     &integer_size, &info);
      check("eigh", info);
      for (int j = 0; j < n; ++j) store(out[0], w_memory, i * n + j, w[static_cast<size_t>(j)]);
      save(out[1], v_memory, a, n, i);
    }
  }
};

struct EigKernel final : keras_kernel {
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Batch b(in[0].desc);
    const int n = b.rows, lda = std::max(n, 1), one = 1;
    auto* w_out = output_as<std::complex<float>>(out[0]);
    auto* v_out = output_as<std::complex<float>>(out[1]);
    for (int64_t i = 0; i < b.count; ++i) {
      Matrix a = load(in[0], b, i);
      require_finite("eig", a);
      Matrix real(static_cast<size_t>(lda)), imag(static_cast<size_t>(lda)), left(1), v(a.size() + 1),
          work(1);
      int info = 0, query = -1;
      lapack().geev("N", "V", &n, a.data(), &lda, real.data(), imag.data(), left.data(), &one, v.data(), &lda,
                    work.data(), &query, &info);
      int size = work_size(work[0]);
      work.resize(static_cast<size_t>(size));
      lapack().geev("N", "V", &n, a.data(), &lda, real.data(), imag.data(), left.data(), &one, v.data(), &lda,
                    work.data(), &size, &info);
      check("eig", info);
      const auto at = [&](int row, int column) { return v[static_cast<size_t>(column * n + row)]; };
      for (int j = 0; j < n; ++j) {
        const double im = imag[static_cast<size_t>(j)];
        w_out[i * n + j] = std::complex<float>(std::complex<double>(real[static_cast<size_t>(j)], im));
        // A conjugate pair's vectors stand as real and imaginary part in two columns.
        const int first = im < 0 ? j - 1 : j;
        for (int r = 0; r < n; ++r) {
          const std::complex<double> value(at(r, first), im == 0  ? 0.0
                                                         : im > 0 ? at(r, first + 1)
                                                                  : -at(r, first + 1));
          v_out[(i * n + r) * n + j] = std::complex<float>(value);
        }
      }
    }
  }
};

template <class Kernel>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (!factorable(op, reason)) return nullptr;
  return std::make_unique<Kernel>();
}

std::unique_ptr<keras_kernel> make_svd(const keras_op& op, std::string& reason) {
  if (!factorable(op, reason)) return nullptr;
  auto kernel = std::make_unique<SvdKernel>();
  kernel->vectors = attributes<SvdAttributes>(op).vectors != 0;
  return kernel;
}

const bool kRegistered = register_kernel("qr", make<QrKernel>) && register_kernel("svd", make_svd) &&
                         register_kernel("eigh", make<EighKernel>) && register_kernel("eig", make<EigKernel>);

}  // namespace
}  // namespace keras::native
