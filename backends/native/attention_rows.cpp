// SPDX-License-Identifier: Apache-2.0
#include "attention_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_rows.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void add_row(const T* from, T* to, int64_t count) {
  KERAS_NATIVE_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

template <class T>
void multiply_row(const T* a, const T* b, T* to, int64_t count) {
  KERAS_NATIVE_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) to[i] = a[i] * b[i];
}

template <class T>
void factors_row(const uint32_t* words, uint32_t bound, T scale, T* to, int64_t count) {
  KERAS_NATIVE_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) to[i] = words[i] >= bound ? scale : T(0);
}

template <class T>
T dot_row(const T* a, const T* b, int64_t count) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
  T total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

template <class T>
void logits_grad_row(const T* weights, const T* factors, T level, T* dweights, int64_t count) {
  if (factors) multiply_row(dweights, factors, dweights, count);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) dweights[i] = weights[i] * (dweights[i] - level);
}

#define KERAS_ATTENTION_ROWS(T)                                                                      \
  void add_##T(const T* from, T* to, int64_t count) { add_row(from, to, count); }                    \
  void multiply_##T(const T* a, const T* b, T* to, int64_t count) { multiply_row(a, b, to, count); } \
  void factors_##T(const uint32_t* words, uint32_t bound, T scale, T* to, int64_t count) {           \
    factors_row(words, bound, scale, to, count);                                                     \
  }                                                                                                  \
  T dot_##T(const T* a, const T* b, int64_t count) { return dot_row(a, b, count); }                  \
  void logits_grad_##T(const T* weights, const T* factors, T level, T* dweights, int64_t count) {    \
    logits_grad_row(weights, factors, level, dweights, count);                                       \
  }
KERAS_ATTENTION_ROWS(float)
KERAS_ATTENTION_ROWS(double)
#undef KERAS_ATTENTION_ROWS

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

#define KERAS_ATTENTION_ROWS(T)                                                                          \
  HWY_EXPORT(add_##T);                                                                                   \
  HWY_EXPORT(multiply_##T);                                                                              \
  HWY_EXPORT(factors_##T);                                                                               \
  HWY_EXPORT(dot_##T);                                                                                   \
  HWY_EXPORT(logits_grad_##T);                                                                           \
  template <>                                                                                            \
  void AttentionRows<T>::add(const T* from, T* to, int64_t count) {                                      \
    HWY_DYNAMIC_DISPATCH(add_##T)(from, to, count);                                                      \
  }                                                                                                      \
  template <>                                                                                            \
  void AttentionRows<T>::multiply(const T* a, const T* b, T* to, int64_t count) {                        \
    HWY_DYNAMIC_DISPATCH(multiply_##T)(a, b, to, count);                                                 \
  }                                                                                                      \
  template <>                                                                                            \
  void AttentionRows<T>::factors(const uint32_t* words, uint32_t bound, T scale, T* to, int64_t count) { \
    HWY_DYNAMIC_DISPATCH(factors_##T)(words, bound, scale, to, count);                                   \
  }                                                                                                      \
  template <>                                                                                            \
  T AttentionRows<T>::dot(const T* a, const T* b, int64_t count) {                                       \
    return HWY_DYNAMIC_DISPATCH(dot_##T)(a, b, count);                                                   \
  }                                                                                                      \
  template <>                                                                                            \
  void AttentionRows<T>::logits_grad(const T* weights, const T* factors, T level, T* dweights,           \
                                     int64_t count) {                                                    \
    HWY_DYNAMIC_DISPATCH(logits_grad_##T)(weights, factors, level, dweights, count);                     \
  }
KERAS_ATTENTION_ROWS(float)
KERAS_ATTENTION_ROWS(double)
#undef KERAS_ATTENTION_ROWS

}  // namespace keras::native
#endif
