// SPDX-License-Identifier: Apache-2.0
// The activations of keras_activation on vectors, for every instruction set that Highway compiles for.
#if defined(KERAS_NATIVE_ACTIVATION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef KERAS_NATIVE_ACTIVATION_INL_H
#undef KERAS_NATIVE_ACTIVATION_INL_H
#else
#define KERAS_NATIVE_ACTIVATION_INL_H
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "keras/graph/op_attributes.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V = hn::VFromD<D>>
HWY_INLINE V erf_vector(D d, V x) {
  using T = hn::TFromD<D>;
  if constexpr (sizeof(T) == 8) {
    HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(x, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = std::erf(lanes[i]);
    return hn::Load(d, lanes);
  } else {
    return VecErf()(d, x);
  }
}

// e^-|x| never overflows, and both branches keep their relative precision.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V sigmoid_vector(D d, V x) {
  const V one = hn::Set(d, hn::TFromD<D>(1));
  const V e = VecExp()(d, hn::Neg(hn::Abs(x)));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
  return hn::Div(numerator, hn::Add(one, e));
}

template <class D, class V = hn::VFromD<D>>
HWY_INLINE V tanh_vector(D d, V x) {
  return VecTanh()(d, x);
}

template <int64_t kKind, class D, class V = hn::VFromD<D>>
HWY_INLINE V activate(D d, V x, V alpha) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d);
  if constexpr (kKind == KERAS_ACT_RELU) {
    return hn::IfThenElse(hn::Lt(x, zero), zero, x);  // NaN stays
  } else if constexpr (kKind == KERAS_ACT_SIGMOID) {
    return sigmoid_vector(d, x);
  } else if constexpr (kKind == KERAS_ACT_TANH) {
    return tanh_vector(d, x);
  } else if constexpr (kKind == KERAS_ACT_GELU) {
    const V half = hn::Mul(x, hn::Set(d, T(0.5)));
    return hn::MulAdd(half, erf_vector(d, hn::Mul(x, hn::Set(d, T(0.7071067811865475244)))), half);
  } else if constexpr (kKind == KERAS_ACT_GELU_TANH) {
    const V cube = hn::Mul(hn::Mul(x, x), x);
    const V inner =
        hn::Mul(hn::Set(d, T(0.7978845608028653559)), hn::MulAdd(cube, hn::Set(d, T(0.044715)), x));
    const V half = hn::Mul(x, hn::Set(d, T(0.5)));
    return hn::MulAdd(half, tanh_vector(d, inner), half);
  } else if constexpr (kKind == KERAS_ACT_SILU) {
    return hn::Mul(x, sigmoid_vector(d, x));
  } else if constexpr (kKind == KERAS_ACT_ELU) {
    return hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(alpha, VecExpm1()(d, hn::Min(x, zero))));
  } else if constexpr (kKind == KERAS_ACT_LEAKY_RELU) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, x), x);
  } else if constexpr (kKind == KERAS_ACT_RELU6) {
    return hn::IfThenElse(hn::Lt(x, zero), zero,
                          hn::IfThenElse(hn::Gt(x, hn::Set(d, T(6))), hn::Set(d, T(6)), x));
  } else if constexpr (kKind == KERAS_ACT_HARD_SIGMOID) {
    const V y = hn::MulAdd(x, hn::Set(d, T(1) / T(6)), hn::Set(d, T(0.5)));
    return hn::IfThenElse(hn::Lt(y, zero), zero,
                          hn::IfThenElse(hn::Gt(y, hn::Set(d, T(1))), hn::Set(d, T(1)), y));
  } else {
    return x;
  }
}

/// The slope of an activation from its result y, where y determines it.
template <int64_t kKind, class D, class V = hn::VFromD<D>>
HWY_INLINE V slope_from_result(D d, V y, V alpha) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d), one = hn::Set(d, T(1));
  if constexpr (kKind == KERAS_ACT_RELU) {
    return hn::IfThenElseZero(hn::Gt(y, zero), one);
  } else if constexpr (kKind == KERAS_ACT_SIGMOID) {
    return hn::Mul(y, hn::Sub(one, y));
  } else if constexpr (kKind == KERAS_ACT_TANH) {
    return hn::NegMulAdd(y, y, one);
  } else if constexpr (kKind == KERAS_ACT_ELU) {
    return hn::IfThenElse(hn::Gt(y, zero), one, hn::Add(y, alpha));
  } else if constexpr (kKind == KERAS_ACT_LEAKY_RELU) {
    return hn::IfThenElse(hn::Gt(y, zero), one, alpha);
  } else if constexpr (kKind == KERAS_ACT_RELU6) {
    return hn::IfThenElseZero(hn::And(hn::Gt(y, zero), hn::Lt(y, hn::Set(d, T(6)))), one);
  } else if constexpr (kKind == KERAS_ACT_HARD_SIGMOID) {
    return hn::IfThenElseZero(hn::And(hn::Gt(y, zero), hn::Lt(y, one)), hn::Set(d, T(1) / T(6)));
  } else {
    return one;
  }
}

/// Calls f with the kind as a compile-time constant.
template <class F>
HWY_INLINE void with_activation(int64_t kind, const F& f) {
  switch (kind) {
    case KERAS_ACT_RELU:
      return f.template operator()<KERAS_ACT_RELU>();
    case KERAS_ACT_SIGMOID:
      return f.template operator()<KERAS_ACT_SIGMOID>();
    case KERAS_ACT_TANH:
      return f.template operator()<KERAS_ACT_TANH>();
    case KERAS_ACT_GELU:
      return f.template operator()<KERAS_ACT_GELU>();
    case KERAS_ACT_GELU_TANH:
      return f.template operator()<KERAS_ACT_GELU_TANH>();
    case KERAS_ACT_SILU:
      return f.template operator()<KERAS_ACT_SILU>();
    case KERAS_ACT_ELU:
      return f.template operator()<KERAS_ACT_ELU>();
    case KERAS_ACT_LEAKY_RELU:
      return f.template operator()<KERAS_ACT_LEAKY_RELU>();
    case KERAS_ACT_RELU6:
      return f.template operator()<KERAS_ACT_RELU6>();
    case KERAS_ACT_HARD_SIGMOID:
      return f.template operator()<KERAS_ACT_HARD_SIGMOID>();
    default:
      return f.template operator()<KERAS_ACT_LINEAR>();
  }
}

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
