// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <complex>

#include "elementwise.h"

namespace keras::native {
namespace {

using C = std::complex<float>;

template <class F, class In, class Out>
void unary_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const In* x = static_cast<const In*>(in[0]);
  Out* y = static_cast<Out*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = f(x[i * steps[0]]);
}

template <class F, class In, class Out>
void binary_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const F f{};
  const In* a = static_cast<const In*>(in[0]);
  const In* b = static_cast<const In*>(in[1]);
  Out* y = static_cast<Out*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = f(a[i * steps[0]], b[i * steps[1]]);
}

struct Function {
  std::string_view name;
  Loop loop;
};

#define KERAS_COMPLEX_UNARY(name, Result, expression)                         \
  Function {                                                                  \
    name, [](const void* const* in, const int* steps, void* out, int64_t n) { \
      struct F {                                                              \
        Result operator()(C x) const { return expression; }                   \
      };                                                                      \
      unary_loop<F, C, Result>(in, steps, out, n);                            \
    }                                                                         \
  }
#define KERAS_COMPLEX_BINARY(name, In, Result, expression)                    \
  Function {                                                                  \
    name, [](const void* const* in, const int* steps, void* out, int64_t n) { \
      struct F {                                                              \
        Result operator()(In a, In b) const { return expression; }            \
      };                                                                      \
      binary_loop<F, In, Result>(in, steps, out, n);                          \
    }                                                                         \
  }

const Function kFunctions[] = {
    KERAS_COMPLEX_UNARY("neg", C, -x),
    KERAS_COMPLEX_UNARY("abs", float, std::abs(x)),
    KERAS_COMPLEX_UNARY("sign", C, x == C(0) ? C(0) : x / std::abs(x)),
    KERAS_COMPLEX_UNARY("sqrt", C, std::sqrt(x)),
    KERAS_COMPLEX_UNARY("rsqrt", C, C(1) / std::sqrt(x)),
    KERAS_COMPLEX_UNARY("exp", C, std::exp(x)),
    KERAS_COMPLEX_UNARY("expm1", C, C(std::complex<double>(std::exp(std::complex<double>(x)) - 1.0))),
    KERAS_COMPLEX_UNARY("log", C, std::log(x)),
    KERAS_COMPLEX_UNARY("log1p", C, C(std::log(std::complex<double>(x) + 1.0))),
    KERAS_COMPLEX_UNARY("sin", C, std::sin(x)),
    KERAS_COMPLEX_UNARY("cos", C, std::cos(x)),
    KERAS_COMPLEX_UNARY("tan", C, std::tan(x)),
    KERAS_COMPLEX_UNARY("asin", C, std::asin(x)),
    KERAS_COMPLEX_UNARY("acos", C, std::acos(x)),
    KERAS_COMPLEX_UNARY("atan", C, std::atan(x)),
    KERAS_COMPLEX_UNARY("sinh", C, std::sinh(x)),
    KERAS_COMPLEX_UNARY("cosh", C, std::cosh(x)),
    KERAS_COMPLEX_UNARY("tanh", C, std::tanh(x)),
    KERAS_COMPLEX_UNARY("asinh", C, std::asinh(x)),
    KERAS_COMPLEX_UNARY("acosh", C, std::acosh(x)),
    KERAS_COMPLEX_UNARY("atanh", C, std::atanh(x)),
    KERAS_COMPLEX_UNARY("sigmoid", C, C(1) / (C(1) + std::exp(-x))),
    KERAS_COMPLEX_UNARY("is_finite", uint8_t, std::isfinite(x.real()) && std::isfinite(x.imag())),
    KERAS_COMPLEX_UNARY("real", float, x.real()),
    KERAS_COMPLEX_UNARY("imag", float, x.imag()),
    KERAS_COMPLEX_BINARY("add", C, C, a + b),
    KERAS_COMPLEX_BINARY("sub", C, C, a - b),
    KERAS_COMPLEX_BINARY("mul", C, C, a* b),
    KERAS_COMPLEX_BINARY("div", C, C, a / b),
    KERAS_COMPLEX_BINARY("pow", C, C, b == C(0) ? C(1) : (a == C(0) ? C(0) : std::pow(a, b))),
    KERAS_COMPLEX_BINARY("complex", float, C, C(a, b)),
    KERAS_COMPLEX_BINARY("equal", C, uint8_t, a == b),
    KERAS_COMPLEX_BINARY("not_equal", C, uint8_t, a != b),
};

ElementLoop find_complex(const keras_op& op, std::string& reason) {
  if (op.inputs[0].dtype == KERAS_FLOAT32) return {complex_loop("complex"), 1, false};
  reason = "takes float32 parts";
  return {};
}

const bool registered = register_elementwise("complex", find_complex);

}  // namespace

Loop complex_loop(std::string_view op) {
  for (const Function& function : kFunctions) {
    if (function.name == op) return function.loop;
  }
  return nullptr;
}

}  // namespace keras::native
