// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "elementwise.h"
#include "special_functions.h"

// Functions that are rarely hot, and integer operations that no processor has as vector instructions.
namespace keras::native {
namespace {

template <class T, class F>
void unary_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = f(x[i * steps[0]]);
}

template <class T, class F>
void binary_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = f(a[i * steps[0]], b[i * steps[1]]);
}

struct Tan {
  template <class T>
  T operator()(T x) const {
    return std::tan(x);
  }
};
struct Erf {
  template <class T>
  T operator()(T x) const {
    return std::erf(x);
  }
};
struct ErfInv {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(erf_inv(x));
  }
};
struct LogGamma {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(log_gamma(x));
  }
};
struct Digamma {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(digamma(x));
  }
};
struct Atan2 {
  template <class T>
  T operator()(T a, T b) const {
    return std::atan2(a, b);
  }
};
struct NextAfter {
  template <class T>
  T operator()(T a, T b) const {
    return std::nextafter(a, b);
  }
};
struct Igamma {
  template <class T>
  T operator()(T a, T x) const {
    return static_cast<T>(igamma(a, x));
  }
};

// Steps through the ordered bits of float16 (5 exponent bits) and bfloat16 (8), given as raw words.
template <uint16_t kInfinityBits>
struct HalfNextAfter {
  uint16_t operator()(uint16_t a, uint16_t b) const {
    const uint16_t size_a = a & 0x7fff;
    const uint16_t size_b = b & 0x7fff;
    if (size_a > kInfinityBits) return a;
    if (size_b > kInfinityBits) return b;
    if (a == b || (size_a == 0 && size_b == 0)) return b;
    if (size_a == 0) return static_cast<uint16_t>((b & 0x8000) | 1);
    const int from = (a & 0x8000) != 0 ? -int{size_a} : int{size_a};
    const int to = (b & 0x8000) != 0 ? -int{size_b} : int{size_b};
    const bool outward = (to > from) == (from > 0);
    return static_cast<uint16_t>(outward ? a + 1 : a - 1);
  }
};

// Truncated quotient; what C++ leaves undefined is 0 (by zero) or wraps (the least number by -1).
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == T{-1})
        return static_cast<T>(std::make_unsigned_t<T>{0} - static_cast<std::make_unsigned_t<T>>(a));
    }
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>) {
        if (b == T{-1}) return 0;
      }
      return static_cast<T>(a % b);
    }
  }
};
struct Pow {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (b == T{2}) return a * a;
      return std::pow(a, b);
    } else {
      if constexpr (std::is_signed_v<T>) {
        // 1 / a^|b|, truncated.
        if (b < 0) return a == 1 ? T{1} : a == T{-1} ? (b % 2 == 0 ? T{1} : T{-1}) : T{0};
      }
      uint64_t result = 1;
      uint64_t base = static_cast<uint64_t>(a);
      for (auto rest = static_cast<uint64_t>(b); rest != 0; rest >>= 1) {
        if ((rest & 1) != 0) result *= base;
        base *= base;
      }
      return static_cast<T>(result);
    }
  }
};
// Shifts by the width or more shift everything out.
struct ShiftLeft {
  template <class T>
  T operator()(T a, T b) const {
    if (static_cast<uint64_t>(b) >= sizeof(T) * 8) return 0;
    return static_cast<T>(static_cast<uint64_t>(a) << b);
  }
};
struct ShiftRight {
  template <class T>
  T operator()(T a, T b) const {
    constexpr uint64_t width = sizeof(T) * 8;
    if (static_cast<uint64_t>(b) >= width)
      return static_cast<T>(a >> (width - 1) >> (std::is_signed_v<T> ? 0 : 1));
    return static_cast<T>(a >> b);
  }
};

template <class T>
Loop float_unary(std::string_view op) {
  if (op == "tan") return unary_loop<T, Tan>;
  if (op == "erf") return unary_loop<T, Erf>;
  if (op == "erf_inv") return unary_loop<T, ErfInv>;
  if (op == "lgamma") return unary_loop<T, LogGamma>;
  if (op == "digamma") return unary_loop<T, Digamma>;
  return nullptr;
}

template <class T>
Loop float_binary(std::string_view op) {
  if (op == "rem") return binary_loop<T, Rem>;
  if (op == "pow") return binary_loop<T, Pow>;
  if (op == "atan2") return binary_loop<T, Atan2>;
  if (op == "nextafter") return binary_loop<T, NextAfter>;
  if (op == "igamma") return binary_loop<T, Igamma>;
  return nullptr;
}

template <class T>
Loop integer_binary(std::string_view op) {
  if (op == "div") return binary_loop<T, Div>;
  if (op == "rem") return binary_loop<T, Rem>;
  if (op == "pow") return binary_loop<T, Pow>;
  if (op == "shl") return binary_loop<T, ShiftLeft>;
  if (op == "shr") return binary_loop<T, ShiftRight>;
  return nullptr;
}

}  // namespace

Loop scalar_unary(std::string_view op, int32_t dtype) {
  if (dtype == KERAS_FLOAT32) return float_unary<float>(op);
  if (dtype == KERAS_FLOAT64) return float_unary<double>(op);
  return nullptr;
}

Loop scalar_binary(std::string_view op, int32_t dtype) {
  switch (dtype) {
    case KERAS_FLOAT32:
      return float_binary<float>(op);
    case KERAS_FLOAT64:
      return float_binary<double>(op);
    case KERAS_FLOAT16:
      return op == "nextafter" ? binary_loop<uint16_t, HalfNextAfter<0x7c00>> : nullptr;
    case KERAS_BFLOAT16:
      return op == "nextafter" ? binary_loop<uint16_t, HalfNextAfter<0x7f80>> : nullptr;
    case KERAS_UINT8:
      return integer_binary<uint8_t>(op);
    case KERAS_UINT16:
      return integer_binary<uint16_t>(op);
    case KERAS_UINT32:
      return integer_binary<uint32_t>(op);
    case KERAS_UINT64:
      return integer_binary<uint64_t>(op);
    case KERAS_INT8:
      return integer_binary<int8_t>(op);
    case KERAS_INT16:
      return integer_binary<int16_t>(op);
    case KERAS_INT32:
      return integer_binary<int32_t>(op);
    case KERAS_INT64:
      return integer_binary<int64_t>(op);
    default:
      return nullptr;
  }
}

}  // namespace keras::native
