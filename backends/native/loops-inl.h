// SPDX-License-Identifier: Apache-2.0
// Loops over arrays for one instruction set: included again for each, inside Highway's namespaces.
#if defined(KERAS_NATIVE_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERAS_NATIVE_LOOPS_INL_H_
#undef KERAS_NATIVE_LOOPS_INL_H_
#else
#define KERAS_NATIVE_LOOPS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

// The results of a loop may stand exactly where an operand stands, which hinders no vector code: each element
// is read before its place is written.
#if defined(__clang__)
#define KERAS_NATIVE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define KERAS_NATIVE_INDEPENDENT _Pragma("GCC ivdep")
#endif

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

// F: T -> R, left to the compiler's vectoriser.
template <class F, class T, class R = T>
void PlainUnary(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const T* x = static_cast<const T*>(in[0]);
  R* y = static_cast<R*>(out);
  if (steps[0] != 0) {
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) y[i] = f(x[i]);
  } else {
    const R value = f(x[0]);
    for (int64_t i = 0; i < count; ++i) y[i] = value;
  }
}

template <class F, class T, class R = T>
void PlainBinary(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  R* y = static_cast<R*>(out);
  if (steps[0] != 0 && steps[1] != 0) {
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) y[i] = f(a[i], b[i]);
  } else if (steps[0] != 0) {
    const T right = b[0];
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) y[i] = f(a[i], right);
  } else if (steps[1] != 0) {
    const T left = a[0];
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) y[i] = f(left, b[i]);
  } else {
    const R value = f(a[0], b[0]);
    for (int64_t i = 0; i < count; ++i) y[i] = value;
  }
}

// F: (tag, vector) -> vector.
template <class F, class T>
void VectorUnary(const void* const* in, const int* steps, void* out, int64_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const F f{};
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  HWY_ALIGN T rest[hn::MaxLanes(d)];
  if (steps[0] == 0) {
    hn::Store(f(d, hn::Set(d, x[0])), d, rest);
    for (int64_t i = 0; i < count; ++i) y[i] = rest[0];
    return;
  }
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == count) return;
  for (int64_t j = 0; j < lanes; ++j) rest[j] = x[j < count - i ? i + j : i];
  static constexpr int one = 1;
  const void* again = rest;
  VectorUnary<F, T>(&again, &one, rest, lanes);
  for (int64_t j = 0; j < count - i; ++j) y[i + j] = rest[j];
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#endif
