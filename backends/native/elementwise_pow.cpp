// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise_pow.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loops-inl.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

// float32 powers as exp(b log a) in float64, whose error after that is far below a float's last bit. Bases
// that are not positive numbers, and exponents that are not finite, are left to the C library.
void PowLoop(const void* const* in, const int* steps, void* out, int64_t count) {
  constexpr int64_t kPiece = 256;
  const float* a = static_cast<const float*>(in[0]);
  const float* b = static_cast<const float*>(in[1]);
  float* y = static_cast<float*>(out);
  if (steps[1] == 0 && b[0] == 2) {
    for (int64_t i = 0; i < count; ++i) y[i] = a[i * steps[0]] * a[i * steps[0]];
    return;
  }
  static constexpr int one = 1;
  alignas(64) double power[kPiece];
  const void* again = power;
  for (int64_t at = 0; at < count; at += kPiece) {
    const int64_t length = std::min(kPiece, count - at);
    int64_t special = 0;
    for (int64_t i = 0; i < length; ++i) {
      const float base = a[(at + i) * steps[0]];
      const float exponent = b[(at + i) * steps[1]];
      const bool good =
          (base > 0) & (base < std::numeric_limits<float>::infinity()) & (exponent - exponent == 0);
      special += good ? 0 : 1;
      power[i] = static_cast<double>(good ? base : 1.0f);
    }
    VectorUnary<VecLog, double>(&again, &one, power, length);
    for (int64_t i = 0; i < length; ++i) power[i] *= static_cast<double>(b[(at + i) * steps[1]]);
    VectorUnary<VecExp, double>(&again, &one, power, length);
    if (special == 0) {
      for (int64_t i = 0; i < length; ++i) y[at + i] = static_cast<float>(power[i]);
      continue;
    }
    for (int64_t i = 0; i < length; ++i) {
      const float base = a[(at + i) * steps[0]];
      const float exponent = b[(at + i) * steps[1]];
      const bool good = base > 0 && base < std::numeric_limits<float>::infinity() && exponent - exponent == 0;
      y[at + i] = good ? static_cast<float>(power[i]) : std::pow(base, exponent);
    }
  }
}

Loop FindPow() { return PowLoop; }

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindPow);

Loop vector_pow() { return HWY_DYNAMIC_DISPATCH(FindPow)(); }

}  // namespace keras::native
#endif
