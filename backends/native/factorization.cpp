// SPDX-License-Identifier: Apache-2.0
// QR, SVD and eigenvalues through LAPACK, which is opened at the first use. Matrices are computed in double,
// column by column as LAPACK wants them.
#include <dlfcn.h>

#include <algorithm>
#include <complex>
#include <vector>

#include "kernel.h"

namespace keras::native {
namespace {

using Matrix = std::vector<double>;

/// The few routines of LAPACK that are used; Fortran's names and argument lists.
struct Lapack {
  using Geqrf = void (*)(const int*, const int*, double*, const int*, double*, double*, const int*, int*);
  using Orgqr = void (*)(const int*, const int*, const int*, double*, const int*, const double*, double*,
                         const int*, int*);
  using Gesdd = void (*)(const char*, const int*, const int*, double*, const int*, double*, double*,
                         const int*, double*, const int*, double*, const int*, int*, int*);
  using Syevd = void (*)(const char*, const char*, const int*, double*, const int*, double*, double*,
                         const int*, int*, const int*, int*);
  using Geev = void (*)(const char*, const char*, const int*, double*, const int*, double*, double*, double*,
                        const int*, double*, const int*, double*, const int*, int*);
  Geqrf geqrf = nullptr;
  Orgqr orgqr = nullptr;
  Gesdd gesdd = nullptr;
  Syevd syevd = nullptr;
  Geev geev = nullptr;
  bool found = false;

  Lapack() {
    void* library = dlopen("liblapack.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    geqrf = reinterpret_cast<Geqrf>(dlsym(library, "dgeqrf_"));
    orgqr = reinterpret_cast<Orgqr>(dlsym(library, "dorgqr_"));
    gesdd = reinterpret_cast<Gesdd>(dlsym(library, "dgesdd_"));
    syevd = reinterpret_cast<Syevd>(dlsym(library, "dsyevd_"));
    geev = reinterpret_cast<Geev>(dlsym(library, "dgeev_"));
    found = geqrf != nullptr && orgqr != nullptr && gesdd != nullptr && syevd != nullptr && geev != nullptr;
  }
};

const Lapack& lapack() {
  static const Lapack instance;
  return instance;
}

void check(const char* op, int info) {
  if (info == 0) return;
  throw Failure(KERAS_ERROR_VALUE, std::string(op) +
                                       " did not converge: the matrix must be finite (LAPACK's info is " +
                                       std::to_string(info) + ")");
}

/// Sizes of a batch of matrices in the last two axes.
struct Batch {
  int64_t count = 1;
  int rows = 0;
  int columns = 0;

  explicit Batch(const keras_desc& desc) {
    for (int i = 0; i + 2 < desc.rank; ++i) count *= desc.shape[i];
    rows = static_cast<int>(desc.shape[desc.rank - 2]);
    columns = static_cast<int>(desc.shape[desc.rank - 1]);
  }
  int64_t elements() const { return int64_t{rows} * columns; }
};

double element(const keras_tensor& t, int64_t i) {
  return t.desc.dtype == KERAS_FLOAT64 ? input_as<double>(t)[i] : static_cast<double>(input_as<float>(t)[i]);
}

void store(keras_tensor& t, void* memory, int64_t i, double value) {
  if (t.desc.dtype == KERAS_FLOAT64) {
    static_cast<double*>(memory)[i] = value;
  } else {
    static_cast<float*>(memory)[i] = static_cast<float>(value);
  }
}

Matrix load(const keras_tensor& t, const Batch& b, int64_t which) {
  Matrix a(static_cast<size_t>(b.elements()));
  for (int r = 0; r < b.rows; ++r) {
    for (int c = 0; c < b.columns; ++c) {
      a[static_cast<size_t>(c) * static_cast<size_t>(b.rows) + static_cast<size_t>(r)] =
          element(t, which * b.elements() + int64_t{r} * b.columns + c);
    }
  }
  return a;
}

// Column-major `a` with `stride` rows, as matrix `which` of the result.
void save(keras_tensor& t, void* memory, const Matrix& a, int stride, int64_t which) {
  const Batch b(t.desc);
  for (int r = 0; r < b.rows; ++r) {
    for (int c = 0; c < b.columns; ++c) {
      store(t, memory, which * b.elements() + int64_t{r} * b.columns + c,
            a[static_cast<size_t>(c) * static_cast<size_t>(stride) + static_cast<size_t>(r)]);
    }
  }
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

bool possible(const keras_op& op, std::string& reason) {
  const int32_t dtype = op.inputs[0].dtype;
  if (dtype != KERAS_FLOAT32 && dtype != KERAS_FLOAT64) {
    reason = "matrices are factored in float32 and float64";
    return false;
  }
  if (!lapack().found) {
    reason = "LAPACK is not installed (Debian: liblapack3)";
    return false;
  }
  return true;
}

template <class Kernel>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (!possible(op, reason)) return nullptr;
  return std::make_unique<Kernel>();
}

std::unique_ptr<keras_kernel> make_svd(const keras_op& op, std::string& reason) {
  if (!possible(op, reason)) return nullptr;
  auto kernel = std::make_unique<SvdKernel>();
  kernel->vectors = attributes<SvdAttributes>(op).vectors != 0;
  return kernel;
}

const bool kRegistered = register_kernel("qr", make<QrKernel>) && register_kernel("svd", make_svd) &&
                         register_kernel("eigh", make<EighKernel>) && register_kernel("eig", make<EigKernel>);

}  // namespace
}  // namespace keras::native
