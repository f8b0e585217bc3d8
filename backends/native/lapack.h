// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel.h"

namespace keras::native {

using Matrix = std::vector<double>;

/// The few routines of LAPACK (and BLAS beneath it) that are used; Fortran's names and argument lists. The
/// library is opened at the first use.
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
  using Potrf = void (*)(const char*, const int*, double*, const int*, int*);
  using Getrf = void (*)(const int*, const int*, double*, const int*, int*, int*);
  using Trsm = void (*)(const char*, const char*, const char*, const char*, const int*, const int*,
                        const double*, const double*, const int*, double*, const int*);
  Geqrf geqrf = nullptr;
  Orgqr orgqr = nullptr;
  Gesdd gesdd = nullptr;
  Syevd syevd = nullptr;
  Geev geev = nullptr;
  Potrf potrf = nullptr;
  Getrf getrf = nullptr;
  Trsm trsm = nullptr;
  bool found = false;

  Lapack();
};

const Lapack& lapack();

/// Whether a matrix op can go to LAPACK; the reason where it cannot.
bool factorable(const keras_op& op, std::string& reason);

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

inline double element(const keras_tensor& t, int64_t i) {
  return t.desc.dtype == KERAS_FLOAT64 ? input_as<double>(t)[i] : static_cast<double>(input_as<float>(t)[i]);
}

inline void store(keras_tensor& t, void* memory, int64_t i, double value) {
  if (t.desc.dtype == KERAS_FLOAT64) {
    static_cast<double*>(memory)[i] = value;
  } else {
    static_cast<float*>(memory)[i] = static_cast<float>(value);
  }
}

/// Matrix `which`, column by column.
inline Matrix load(const keras_tensor& t, const Batch& b, int64_t which) {
  Matrix a(static_cast<size_t>(b.elements()));
  for (int r = 0; r < b.rows; ++r) {
    for (int c = 0; c < b.columns; ++c) {
      a[static_cast<size_t>(c) * static_cast<size_t>(b.rows) + static_cast<size_t>(r)] =
          element(t, which * b.elements() + int64_t{r} * b.columns + c);
    }
  }
  return a;
}

/// Column-major `a` with `stride` rows, as matrix `which` of the result.
inline void save(keras_tensor& t, void* memory, const Matrix& a, int stride, int64_t which) {
  const Batch b(t.desc);
  for (int r = 0; r < b.rows; ++r) {
    for (int c = 0; c < b.columns; ++c) {
      store(t, memory, which * b.elements() + int64_t{r} * b.columns + c,
            a[static_cast<size_t>(c) * static_cast<size_t>(stride) + static_cast<size_t>(r)]);
    }
  }
}

}  // namespace keras::native
