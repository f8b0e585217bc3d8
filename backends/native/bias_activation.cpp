// SPDX-License-Identifier: Apache-2.0
#include "bias_activation.h"

#include <algorithm>

#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bias_activation.cpp"
#include <hwy/foreach_target.h>

#include "activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {

template <class T>
struct RowBias {
  T* x;
  int64_t columns;
  const T* bias;
  double alpha;

  template <int64_t kKind, class D>
  HWY_INLINE int64_t span(D d, int64_t begin) const {
    const auto slope = hn::Set(d, static_cast<T>(alpha));
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = begin;
    for (; i + lanes <= columns; i += lanes) {
      auto v = hn::LoadU(d, x + i);
      if (bias) v = hn::Add(v, hn::LoadU(d, bias + i));
      hn::StoreU(activate<kKind>(d, v, slope), d, x + i);
    }
    return i;
  }
  template <int64_t kKind>
  void operator()() const {
    span<kKind>(hn::CappedTag<T, 1>(), span<kKind>(hn::ScalableTag<T>(), 0));
  }
};

template <class T>
void rows_of(T* x, int64_t rows, int64_t columns, const T* bias, int64_t activation, double alpha) {
  for (int64_t r = 0; r < rows; ++r)
    with_activation(activation, RowBias<T>{x + r * columns, columns, bias, alpha});
}

void rows_float(float* x, int64_t rows, int64_t columns, const float* bias, int64_t activation,
                double alpha) {
  rows_of(x, rows, columns, bias, activation, alpha);
}
void rows_double(double* x, int64_t rows, int64_t columns, const double* bias, int64_t activation,
                 double alpha) {
  rows_of(x, rows, columns, bias, activation, alpha);
}

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(rows_float);
HWY_EXPORT(rows_double);

namespace {

template <class T, class F>
void all_rows(T* x, int64_t rows, int64_t columns, const T* bias, int64_t activation, double alpha,
              F kernel) {
  if (activation == KERAS_ACT_LINEAR && !bias) return;
  // Without a bias rows need not be told apart: short rows then run at full vector length.
  if (!bias) {
    parallel_for(rows * columns, 16384, [=](int64_t begin, int64_t end) {
      kernel(x + begin, 1, end - begin, bias, activation, alpha);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns)),
               [=](int64_t begin, int64_t end) {
                 kernel(x + begin * columns, end - begin, columns, bias, activation, alpha);
               });
}

}  // namespace

void bias_activation(float* x, int64_t rows, int64_t columns, const float* bias, int64_t activation,
                     double alpha) {
  all_rows(x, rows, columns, bias, activation, alpha, HWY_DYNAMIC_DISPATCH(rows_float));
}

void bias_activation(double* x, int64_t rows, int64_t columns, const double* bias, int64_t activation,
                     double alpha) {
  all_rows(x, rows, columns, bias, activation, alpha, HWY_DYNAMIC_DISPATCH(rows_double));
}

}  // namespace keras::native
#endif
