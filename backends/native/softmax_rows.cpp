// SPDX-License-Identifier: Apache-2.0
#include "softmax_rows.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "softmax_rows.cpp"
#include <hwy/foreach_target.h>

#include "activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {

// --- contiguous rows: vectors run along the row, the rest one by one

template <class T>
HWY_INLINE T row_maximum(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  T largest = -std::numeric_limits<T>::infinity();
  int64_t i = 0;
  if (n >= lanes) {
    auto m = hn::LoadU(d, x);
    for (i = lanes; i + lanes <= n; i += lanes) m = hn::Max(m, hn::LoadU(d, x + i));
    largest = hn::GetLane(hn::MaxOfLanes(d, m));
  }
  for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// Sum of e^(x - shift); stored to y unless that is null.
template <bool kStore, class T>
HWY_INLINE T row_exp_sum(const T* x, T* y, int64_t n, T shift) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto offset = hn::Set(d, shift);
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto e = VecExp()(d, hn::Sub(hn::LoadU(d, x + i), offset));
    if constexpr (kStore) hn::StoreU(e, d, y + i);
    sum = hn::Add(sum, e);
  }
  T total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) {
    const T e = hn::GetLane(VecExp()(one, hn::Set(one, x[i] - shift)));
    if constexpr (kStore) y[i] = e;
    total += e;
  }
  return total;
}

// y = x factor + offset
template <class T>
HWY_INLINE void row_affine(const T* x, T* y, int64_t n, T factor, T offset) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto f = hn::Set(d, factor), o = hn::Set(d, offset);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), f, o), d, y + i);
  for (; i < n; ++i) y[i] = x[i] * factor + offset;
}

template <bool kProduct, class T>
HWY_INLINE T row_dot(const T* a, const T* b, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, b + i);
    sum = kProduct ? hn::MulAdd(hn::LoadU(d, a + i), v, sum) : hn::Add(sum, v);
  }
  T total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += kProduct ? a[i] * b[i] : b[i];
  return total;
}

// --- strided: vectors run across neighbouring columns, one column to a lane

enum class Kind { kSoftmax, kLogSoftmax, kLogSumExp };

template <Kind kKind, class D, class T>
HWY_INLINE int64_t columns_forward(D d, const T* x, T* y, int64_t middle, int64_t inner, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= inner; c += lanes) {
    auto m = hn::LoadU(d, x + c);
    for (int64_t i = 1; i < middle; ++i) m = hn::Max(m, hn::LoadU(d, x + i * inner + c));
    if constexpr (kKind == Kind::kLogSumExp) {
      // A column of -inf would give inf - inf.
      m = hn::IfThenElse(hn::Eq(m, hn::Set(d, -std::numeric_limits<T>::infinity())), hn::Zero(d), m);
    }
    auto sum = hn::Zero(d);
    for (int64_t i = 0; i < middle; ++i) {
      const auto e = VecExp()(d, hn::Sub(hn::LoadU(d, x + i * inner + c), m));
      if constexpr (kKind == Kind::kSoftmax) hn::StoreU(e, d, y + i * inner + c);
      sum = hn::Add(sum, e);
    }
    if constexpr (kKind == Kind::kSoftmax) {
      const auto factor = hn::Div(hn::Set(d, T(1)), sum);
      for (int64_t i = 0; i < middle; ++i) {
        hn::StoreU(hn::Mul(hn::LoadU(d, y + i * inner + c), factor), d, y + i * inner + c);
      }
    } else {
      HWY_ALIGN T logs[HWY_MAX_BYTES / sizeof(T)];
      hn::Store(sum, d, logs);
      for (int64_t l = 0; l < lanes; ++l) logs[l] = std::log(logs[l]);
      const auto log_sum = hn::Add(m, hn::Load(d, logs));
      if constexpr (kKind == Kind::kLogSumExp) {
        hn::StoreU(log_sum, d, y + c);
      } else {
        for (int64_t i = 0; i < middle; ++i) {
          hn::StoreU(hn::Sub(hn::LoadU(d, x + i * inner + c), log_sum), d, y + i * inner + c);
        }
      }
    }
  }
  return c;
}

template <bool kLog, class D, class T>
HWY_INLINE int64_t columns_backward(D d, const T* y, const T* dy, T* dx, int64_t middle, int64_t inner,
                                    int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= inner; c += lanes) {
    auto sum = hn::Zero(d);
    for (int64_t i = 0; i < middle; ++i) {
      const auto g = hn::LoadU(d, dy + i * inner + c);
      sum = kLog ? hn::Add(sum, g) : hn::MulAdd(g, hn::LoadU(d, y + i * inner + c), sum);
    }
    for (int64_t i = 0; i < middle; ++i) {
      const int64_t at = i * inner + c;
      const auto v = hn::LoadU(d, y + at), g = hn::LoadU(d, dy + at);
      hn::StoreU(kLog ? hn::NegMulAdd(VecExp()(d, v), sum, g) : hn::Mul(v, hn::Sub(g, sum)), d, dx + at);
    }
  }
  return c;
}

template <Kind kKind, class T>
void forward(const T* x, T* y, int64_t begin, int64_t end, int64_t middle, int64_t inner) {
  const bool reduces = kKind == Kind::kLogSumExp;
  for (int64_t o = begin; o < end; ++o) {
    const T* const from = x + o * middle * inner;
    T* const to = y + (reduces ? o * inner : o * middle * inner);
    if (inner > 1) {
      const int64_t c = columns_forward<kKind>(hn::ScalableTag<T>(), from, to, middle, inner, 0);
      columns_forward<kKind>(hn::CappedTag<T, 1>(), from, to, middle, inner, c);
      continue;
    }
    T shift = row_maximum(from, middle);
    if constexpr (kKind == Kind::kSoftmax) {
      const T sum = row_exp_sum<true>(from, to, middle, shift);
      row_affine(to, to, middle, T(1) / sum, T(0));
    } else {
      if (reduces && shift == -std::numeric_limits<T>::infinity()) shift = 0;
      const T log_sum = shift + std::log(row_exp_sum<false, T>(from, nullptr, middle, shift));
      if constexpr (kKind == Kind::kLogSumExp) {
        *to = log_sum;
      } else {
        row_affine(from, to, middle, T(1), -log_sum);
      }
    }
  }
}

template <bool kLog, class T>
void backward(const T* y, const T* dy, T* dx, int64_t begin, int64_t end, int64_t middle, int64_t inner) {
  for (int64_t o = begin; o < end; ++o) {
    const int64_t at = o * middle * inner;
    if (inner > 1) {
      const int64_t c =
          columns_backward<kLog>(hn::ScalableTag<T>(), y + at, dy + at, dx + at, middle, inner, 0);
      columns_backward<kLog>(hn::CappedTag<T, 1>(), y + at, dy + at, dx + at, middle, inner, c);
      continue;
    }
    const T sum = row_dot<!kLog>(y + at, dy + at, middle);
    const hn::ScalableTag<T> d;
    const hn::CappedTag<T, 1> one;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = at;
    for (; i + lanes <= at + middle; i += lanes) {
      const auto v = hn::LoadU(d, y + i), g = hn::LoadU(d, dy + i), s = hn::Set(d, sum);
      hn::StoreU(kLog ? hn::NegMulAdd(VecExp()(d, v), s, g) : hn::Mul(v, hn::Sub(g, s)), d, dx + i);
    }
    for (; i < at + middle; ++i) {
      const auto v = hn::LoadU(one, y + i), g = hn::LoadU(one, dy + i), s = hn::Set(one, sum);
      hn::StoreU(kLog ? hn::NegMulAdd(VecExp()(one, v), s, g) : hn::Mul(v, hn::Sub(g, s)), one, dx + i);
    }
  }
}

template <class T>
T softmax_of_row(const T* x, T* y, int64_t n) {
  const T shift = row_maximum(x, n);
  const T sum = row_exp_sum<true>(x, y, n, shift);
  row_affine(y, y, n, T(1) / sum, T(0));
  return shift + std::log(sum);
}

template <class D, class T>
HWY_INLINE int64_t scaled_exp_span(D d, const T* x, T* dx, int64_t count, T shift, T scale, int64_t i) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= count; i += lanes) {
    const auto e = VecExp()(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, shift)));
    hn::StoreU(hn::Mul(e, hn::Set(d, scale)), d, dx + i);
  }
  return i;
}

template <class T>
void scaled_exp_row(const T* x, T* dx, int64_t count, T shift, T scale) {
  const int64_t i = scaled_exp_span(hn::ScalableTag<T>(), x, dx, count, shift, scale, 0);
  scaled_exp_span(hn::CappedTag<T, 1>(), x, dx, count, shift, scale, i);
}

#define KERAS_SOFTMAX_LOOPS(T)                                                                            \
  void softmax_##T(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {                        \
    forward<Kind::kSoftmax>(x, y, b, e, m, i);                                                            \
  }                                                                                                       \
  void log_softmax_##T(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {                    \
    forward<Kind::kLogSoftmax>(x, y, b, e, m, i);                                                         \
  }                                                                                                       \
  void logsumexp_##T(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {                      \
    forward<Kind::kLogSumExp>(x, y, b, e, m, i);                                                          \
  }                                                                                                       \
  void softmax_grad_##T(const T* y, const T* dy, T* dx, int64_t b, int64_t e, int64_t m, int64_t i) {     \
    backward<false>(y, dy, dx, b, e, m, i);                                                               \
  }                                                                                                       \
  void log_softmax_grad_##T(const T* y, const T* dy, T* dx, int64_t b, int64_t e, int64_t m, int64_t i) { \
    backward<true>(y, dy, dx, b, e, m, i);                                                                \
  }                                                                                                       \
  T softmax_row_##T(const T* x, T* y, int64_t n) { return softmax_of_row(x, y, n); }                      \
  void scaled_exp_##T(const T* x, T* dx, int64_t n, T shift, T scale) {                                   \
    scaled_exp_row(x, dx, n, shift, scale);                                                               \
  }
KERAS_SOFTMAX_LOOPS(float)
KERAS_SOFTMAX_LOOPS(double)
#undef KERAS_SOFTMAX_LOOPS

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

#define KERAS_SOFTMAX_EXPORT(T)                                                                          \
  HWY_EXPORT(softmax_##T);                                                                               \
  HWY_EXPORT(log_softmax_##T);                                                                           \
  HWY_EXPORT(logsumexp_##T);                                                                             \
  HWY_EXPORT(softmax_grad_##T);                                                                          \
  HWY_EXPORT(log_softmax_grad_##T);                                                                      \
  HWY_EXPORT(scaled_exp_##T);                                                                            \
  HWY_EXPORT(softmax_row_##T);                                                                           \
  template <>                                                                                            \
  T SoftmaxRows<T>::softmax_row(const T* x, T* y, int64_t n) {                                           \
    return HWY_DYNAMIC_DISPATCH(softmax_row_##T)(x, y, n);                                               \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::softmax(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {           \
    HWY_DYNAMIC_DISPATCH(softmax_##T)(x, y, b, e, m, i);                                                 \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::log_softmax(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {       \
    HWY_DYNAMIC_DISPATCH(log_softmax_##T)(x, y, b, e, m, i);                                             \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::logsumexp(const T* x, T* y, int64_t b, int64_t e, int64_t m, int64_t i) {         \
    HWY_DYNAMIC_DISPATCH(logsumexp_##T)(x, y, b, e, m, i);                                               \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::softmax_grad(const T* y, const T* dy, T* dx, int64_t b, int64_t e, int64_t m,     \
                                    int64_t i) {                                                         \
    HWY_DYNAMIC_DISPATCH(softmax_grad_##T)(y, dy, dx, b, e, m, i);                                       \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::log_softmax_grad(const T* y, const T* dy, T* dx, int64_t b, int64_t e, int64_t m, \
                                        int64_t i) {                                                     \
    HWY_DYNAMIC_DISPATCH(log_softmax_grad_##T)(y, dy, dx, b, e, m, i);                                   \
  }                                                                                                      \
  template <>                                                                                            \
  void SoftmaxRows<T>::scaled_exp(const T* x, T* dx, int64_t n, T shift, T scale) {                      \
    HWY_DYNAMIC_DISPATCH(scaled_exp_##T)(x, dx, n, shift, scale);                                        \
  }
KERAS_SOFTMAX_EXPORT(float)
KERAS_SOFTMAX_EXPORT(double)
#undef KERAS_SOFTMAX_EXPORT

}  // namespace keras::native
#endif
