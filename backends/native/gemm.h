// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
#include <type_traits>

namespace keras::native {

/// Row-major product c (m, n) = alpha a (m, k) b (k, n) + beta c. `transpose_a`: a is stored (k, m);
/// `transpose_b`: b is stored (n, k). lda, ldb, ldc: elements between stored rows. Where beta is 0, c is not
/// read. Threaded unless called from within parallel_for.
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc);
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc);

/// What integers of type T are summed in: 64 bits, which wrap like T itself when cast back.
template <class T>
using SumType =
    std::conditional_t<std::is_integral_v<T>, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>, T>;

template <class T>
inline T multiply(T a, T b) {
  if constexpr (std::is_same_v<T, std::complex<float>>) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}

template <class T>
inline T add(T a, T b) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}

/// The same product by plain loops, for any element type; `accumulate` adds to c. Bool: any of (a and b).
template <class T, class R>
void gemm_loops(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                const T* b, int64_t ldb, bool accumulate, R* c, int64_t ldc) {
  using Sum = std::conditional_t<std::is_same_v<T, bool>, uint64_t, SumType<T>>;
  const int64_t a_row = transpose_a ? 1 : lda, a_column = transpose_a ? lda : 1;
  const int64_t b_row = transpose_b ? 1 : ldb, b_column = transpose_b ? ldb : 1;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Sum sum = accumulate ? static_cast<Sum>(c[i * ldc + j]) : Sum(0);
      for (int64_t p = 0; p < k; ++p) {
        sum = add(sum, multiply(static_cast<Sum>(a[i * a_row + p * a_column]),
                                static_cast<Sum>(b[p * b_row + j * b_column])));
      }
      if constexpr (std::is_same_v<R, bool>) {
        c[i * ldc + j] = sum != Sum(0);
      } else {
        c[i * ldc + j] = static_cast<R>(sum);
      }
    }
  }
}

}  // namespace keras::native
