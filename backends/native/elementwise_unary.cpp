// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise_unary.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <cmath>
#include <type_traits>

#include "loops-inl.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

struct Neg {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return -x;
    return static_cast<T>(T{0} - x);
  }
};
struct Abs {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    using U = std::make_unsigned_t<std::conditional_t<std::is_floating_point_v<T>, int, T>>;
    return x < 0 ? static_cast<T>(U{0} - static_cast<U>(x)) : x;
  }
};
struct Sign {
  template <class T>
  T operator()(T x) const {
    const T step = static_cast<T>(static_cast<T>(x > T{0}) - static_cast<T>(x < T{0}));
    if constexpr (std::is_floating_point_v<T>) return x != x ? x : step;
    return step;
  }
};
struct Floor {
  template <class T>
  T operator()(T x) const {
    return std::floor(x);
  }
};
struct Ceil {
  template <class T>
  T operator()(T x) const {
    return std::ceil(x);
  }
};
struct Round {
  template <class T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};
struct Sqrt {
  template <class T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct Rsqrt {
  template <class T>
  T operator()(T x) const {
    return T{1} / std::sqrt(x);
  }
};
struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T{0} ? T{0} : x;  // NaN stays
  }
};
struct Finite {
  template <class T>
  uint8_t operator()(T x) const {
    return x - x == T{0};
  }
};
struct Same {
  template <class T>
  T operator()(T x) const {
    return x;
  }
};
struct Not {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};
struct LogicalNot {
  uint8_t operator()(uint8_t x) const { return x ^ 1; }
};

template <class T>
Loop OfFloat(std::string_view op) {
  if (op == "neg") return PlainUnary<Neg, T>;
  if (op == "abs") return PlainUnary<Abs, T>;
  if (op == "sign") return PlainUnary<Sign, T>;
  if (op == "floor") return PlainUnary<Floor, T>;
  if (op == "ceil") return PlainUnary<Ceil, T>;
  if (op == "round") return PlainUnary<Round, T>;
  if (op == "sqrt") return PlainUnary<Sqrt, T>;
  if (op == "rsqrt") return PlainUnary<Rsqrt, T>;
  if (op == "relu") return PlainUnary<Relu, T>;
  if (op == "is_finite") return PlainUnary<Finite, T, uint8_t>;
  if (op == "exp") return VectorUnary<VecExp, T>;
  if (op == "expm1") return VectorUnary<VecExpm1, T>;
  if (op == "log") return VectorUnary<VecLog, T>;
  if (op == "log1p") return VectorUnary<VecLog1p, T>;
  if (op == "sin") return VectorUnary<VecSin, T>;
  if (op == "cos") return VectorUnary<VecCos, T>;
  if (op == "sinh") return VectorUnary<VecSinh, T>;
  if (op == "cosh") return VectorUnary<VecCosh, T>;
  if (op == "tanh") return VectorUnary<VecTanh, T>;
  if (op == "asin") return VectorUnary<VecAsin, T>;
  if (op == "acos") return VectorUnary<VecAcos, T>;
  if (op == "atan") return VectorUnary<VecAtan, T>;
  if (op == "asinh") return VectorUnary<VecAsinh, T>;
  if (op == "acosh") return VectorUnary<VecAcosh, T>;
  if (op == "atanh") return VectorUnary<VecAtanh, T>;
  if (op == "sigmoid") return VectorUnary<VecSigmoid, T>;
  if constexpr (sizeof(T) == 4) {
    if (op == "erf") return VectorUnary<VecErf, T>;
  }
  return nullptr;
}

template <class T>
Loop OfInteger(std::string_view op) {
  constexpr bool is_signed = std::is_signed_v<T>;
  if (op == "neg") return PlainUnary<Neg, std::make_unsigned_t<T>>;
  if (op == "abs") return PlainUnary<std::conditional_t<is_signed, Abs, Same>, T>;
  if (op == "sign") return PlainUnary<Sign, T>;
  if (op == "relu") return PlainUnary<std::conditional_t<is_signed, Relu, Same>, T>;
  if (op == "floor" || op == "ceil" || op == "round") return PlainUnary<Same, T>;
  if (op == "bit_not") return PlainUnary<Not, std::make_unsigned_t<T>>;
  return nullptr;
}

Loop FindUnary(std::string_view op, int32_t dtype) {
  switch (dtype) {
    case KERAS_FLOAT32:
      return OfFloat<float>(op);
    case KERAS_FLOAT64:
      return OfFloat<double>(op);
    case KERAS_UINT8:
      return OfInteger<uint8_t>(op);
    case KERAS_UINT16:
      return OfInteger<uint16_t>(op);
    case KERAS_UINT32:
      return OfInteger<uint32_t>(op);
    case KERAS_UINT64:
      return OfInteger<uint64_t>(op);
    case KERAS_INT8:
      return OfInteger<int8_t>(op);
    case KERAS_INT16:
      return OfInteger<int16_t>(op);
    case KERAS_INT32:
      return OfInteger<int32_t>(op);
    case KERAS_INT64:
      return OfInteger<int64_t>(op);
    case KERAS_BOOL:
      if (op == "bit_not") return PlainUnary<LogicalNot, uint8_t>;
      if (op == "abs" || op == "sign" || op == "relu" || op == "floor" || op == "ceil" || op == "round") {
        return PlainUnary<Same, uint8_t>;
      }
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindUnary);

Loop vector_unary(std::string_view op, int32_t dtype) { return HWY_DYNAMIC_DISPATCH(FindUnary)(op, dtype); }

namespace {

// Integers and bools are finite.
void always_true(const void* const*, const int*, void* out, int64_t count) {
  uint8_t* y = static_cast<uint8_t*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = 1;
}

bool is_cheap(std::string_view op) {
  for (const char* name : {"neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "rsqrt", "relu",
                           "is_finite", "bit_not", "real", "imag"}) {
    if (op == name) return true;
  }
  return false;
}

ElementLoop find_unary(const keras_op& op, std::string& reason) {
  const std::string_view name = op.name;
  const int32_t dtype = op.inputs[0].dtype;
  const int cost = is_cheap(name) ? 1 : 8;
  if (dtype == KERAS_COMPLEX64) {
    if (const Loop loop = complex_loop(name)) return {loop, 4 * cost, false};
    reason = "not defined for complex numbers";
    return {};
  }
  const int32_t wide = compute_dtype(dtype);
  if (const Loop loop = vector_unary(name, wide)) return {loop, cost, is_half(dtype)};
  if (const Loop loop = scalar_unary(name, wide)) return {loop, 2 * cost, is_half(dtype)};
  if (name == "is_finite") return {always_true, 1, false};
  reason = "not defined for this dtype";
  return {};
}

const bool registered = [] {
  for (const char* op :
       {"neg",     "abs",     "sign",  "floor",     "ceil",    "round", "sqrt", "rsqrt",   "exp",
        "expm1",   "log",     "log1p", "sin",       "cos",     "tan",   "asin", "acos",    "atan",
        "sinh",    "cosh",    "tanh",  "asinh",     "acosh",   "atanh", "erf",  "erf_inv", "lgamma",
        "digamma", "sigmoid", "relu",  "is_finite", "bit_not", "real",  "imag"}) {
    register_elementwise(op, find_unary);
  }
  return true;
}();

}  // namespace
}  // namespace keras::native
#endif
