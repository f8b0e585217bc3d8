// SPDX-License-Identifier: Apache-2.0
#include "gemm.h"

#include <algorithm>
#include <string>

#include <oneapi/dnnl/dnnl.h>

#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// float64 has no product in oneDNN: a blocked one, packed so that the innermost kernel reads along.
HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kTileRows = 6;

int64_t tile_columns() { return 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<double>())); }

// tile (kTileRows, columns) = packed a (depth, kTileRows) times packed b (depth, columns)
void register_tile(int64_t depth, const double* HWY_RESTRICT a, const double* HWY_RESTRICT b,
                   double* HWY_RESTRICT tile) {
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  auto c00 = hn::Zero(d), c01 = hn::Zero(d), c10 = hn::Zero(d), c11 = hn::Zero(d), c20 = hn::Zero(d),
       c21 = hn::Zero(d);
  auto c30 = hn::Zero(d), c31 = hn::Zero(d), c40 = hn::Zero(d), c41 = hn::Zero(d), c50 = hn::Zero(d),
       c51 = hn::Zero(d);
  for (int64_t p = 0; p < depth; ++p, a += kTileRows, b += 2 * lanes) {
    const auto b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + lanes);
    auto x = hn::Set(d, a[0]);
    c00 = hn::MulAdd(x, b0, c00);
    c01 = hn::MulAdd(x, b1, c01);
    x = hn::Set(d, a[1]);
    c10 = hn::MulAdd(x, b0, c10);
    c11 = hn::MulAdd(x, b1, c11);
    x = hn::Set(d, a[2]);
    c20 = hn::MulAdd(x, b0, c20);
    c21 = hn::MulAdd(x, b1, c21);
    x = hn::Set(d, a[3]);
    c30 = hn::MulAdd(x, b0, c30);
    c31 = hn::MulAdd(x, b1, c31);
    x = hn::Set(d, a[4]);
    c40 = hn::MulAdd(x, b0, c40);
    c41 = hn::MulAdd(x, b1, c41);
    x = hn::Set(d, a[5]);
    c50 = hn::MulAdd(x, b0, c50);
    c51 = hn::MulAdd(x, b1, c51);
  }
  const size_t row = 2 * lanes;
  hn::StoreU(c00, d, tile);
  hn::StoreU(c01, d, tile + lanes);
  hn::StoreU(c10, d, tile + row);
  hn::StoreU(c11, d, tile + row + lanes);
  hn::StoreU(c20, d, tile + 2 * row);
  hn::StoreU(c21, d, tile + 2 * row + lanes);
  hn::StoreU(c30, d, tile + 3 * row);
  hn::StoreU(c31, d, tile + 3 * row + lanes);
  hn::StoreU(c40, d, tile + 4 * row);
  hn::StoreU(c41, d, tile + 4 * row + lanes);
  hn::StoreU(c50, d, tile + 5 * row);
  hn::StoreU(c51, d, tile + 5 * row + lanes);
}

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(tile_columns);
HWY_EXPORT(register_tile);

namespace {

using RegisterTile = void (*)(int64_t, const double*, const double*, double*);
constexpr int64_t kRows = 6;     // of the register tile
constexpr int64_t kDepth = 256;  // of a packed block: a panel of b stays in L1
constexpr int64_t kRowBlock = 96;
constexpr int64_t kColumnBlock = 768;

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

template <class T>
void scale(int64_t m, int64_t n, T beta, T* c, int64_t ldc) {
  if (beta == T(1)) return;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
  }
}

template <class T>
void tiny(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const int64_t a_row = transpose_a ? 1 : lda, a_column = transpose_a ? lda : 1;
  const int64_t b_row = transpose_b ? 1 : ldb, b_column = transpose_b ? ldb : 1;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      T sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a[i * a_row + p * a_column] * b[p * b_row + j * b_column];
      c[i * ldc + j] = alpha * sum + (beta == T(0) ? T(0) : beta * c[i * ldc + j]);
    }
  }
}

void pack_a(int64_t rows, int64_t depth, const double* a, int64_t row, int64_t column, double* packed) {
  for (int64_t i0 = 0; i0 < rows; i0 += kRows) {
    for (int64_t p = 0; p < depth; ++p) {
      for (int64_t i = i0; i < i0 + kRows; ++i) *packed++ = i < rows ? a[i * row + p * column] : 0.0;
    }
  }
}

void pack_b(int64_t depth, int64_t columns, int64_t width, const double* b, int64_t row, int64_t column,
            double* packed) {
  for (int64_t j0 = 0; j0 < columns; j0 += width) {
    for (int64_t p = 0; p < depth; ++p) {
      for (int64_t j = j0; j < j0 + width; ++j) *packed++ = j < columns ? b[p * row + j * column] : 0.0;
    }
  }
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale(m, n, beta, c, ldc);
  if (m * n * k <= 128) return tiny(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a,
                                          lda, b, ldb, beta, c, ldc);
  if (status != dnnl_success)
    throw Failure(KERAS_ERROR_INTERNAL, "oneDNN: sgemm failed with status " + std::to_string(status));
}

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (m * n * k <= 512) return tiny(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  scale(m, n, beta, c, ldc);
  static const int64_t width = HWY_DYNAMIC_DISPATCH(tile_columns)();
  const RegisterTile tile_kernel = HWY_DYNAMIC_DISPATCH(register_tile);
  const int64_t a_row = transpose_a ? 1 : lda, a_column = transpose_a ? lda : 1;
  const int64_t b_row = transpose_b ? 1 : ldb, b_column = transpose_b ? ldb : 1;
  const Scratch packed_b(
      sizeof(double) * static_cast<size_t>(std::min(k, kDepth) * round_up(std::min(n, kColumnBlock), width)));
  for (int64_t j0 = 0; j0 < n; j0 += kColumnBlock) {
    const int64_t columns = std::min(kColumnBlock, n - j0);
    for (int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const int64_t depth = std::min(kDepth, k - p0);
      double* const panels = packed_b.as<double>();
      pack_b(depth, columns, width, b + p0 * b_row + j0 * b_column, b_row, b_column, panels);
      const int64_t blocks = (m + kRowBlock - 1) / kRowBlock;
      const int64_t grain = std::max<int64_t>(1, 250000 / (kRowBlock * columns * depth));
      parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
        const Scratch packed_a(sizeof(double) * static_cast<size_t>(depth * round_up(kRowBlock, kRows)));
        double tile[kRows * 64];
        for (int64_t block = begin; block < end; ++block) {
          const int64_t i0 = block * kRowBlock, rows = std::min(kRowBlock, m - i0);
          pack_a(rows, depth, a + i0 * a_row + p0 * a_column, a_row, a_column, packed_a.as<double>());
          for (int64_t j = 0; j < columns; j += width) {
            for (int64_t i = 0; i < rows; i += kRows) {
              tile_kernel(depth, packed_a.as<double>() + i * depth, panels + j * depth, tile);
              const int64_t tile_rows = std::min(kRows, rows - i), tile_width = std::min(width, columns - j);
              for (int64_t r = 0; r < tile_rows; ++r) {
                double* const to = c + (i0 + i + r) * ldc + j0 + j;
                for (int64_t s = 0; s < tile_width; ++s) to[s] += alpha * tile[r * width + s];
              }
            }
          }
        }
      });
    }
  }
}

}  // namespace keras::native
#endif
