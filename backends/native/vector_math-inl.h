// SPDX-License-Identifier: Apache-2.0
// Vector mathematics for one instruction set: Highway's polynomials, completed for infinities, NaN and
// arguments outside their ranges.
#if defined(KERAS_NATIVE_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERAS_NATIVE_VECTOR_MATH_INL_H_
#undef KERAS_NATIVE_VECTOR_MATH_INL_H_
#else
#define KERAS_NATIVE_VECTOR_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
V KeepNaN(V x, V result) {
  return hn::IfThenElse(hn::Eq(x, x), result, x);
}

// A result whose lanes are right where `safe`; the others are computed one at a time.
template <class D, class V, class M, class F>
V WithScalar(D d, V x, V result, M safe, F scalar) {
  if (HWY_LIKELY(hn::AllTrue(d, safe))) return result;
  using T = hn::TFromD<D>;
  constexpr size_t kLanes = hn::MaxLanes(d);
  HWY_ALIGN T from[kLanes];
  HWY_ALIGN T to[kLanes];
  HWY_ALIGN T good[kLanes];
  hn::Store(x, d, from);
  hn::Store(result, d, to);
  hn::Store(hn::IfThenElseZero(safe, hn::Set(d, T{1})), d, good);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (good[i] == T{0}) to[i] = scalar(from[i]);
  }
  return hn::Load(d, to);
}

template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

struct VecExp {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V bounded = hn::Min(x, hn::Set(d, sizeof(T) == 4 ? T(105) : T(711)));
    return KeepNaN(x, hn::Exp(d, bounded));
  }
};

struct VecExpm1 {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V bounded = hn::Min(x, hn::Set(d, sizeof(T) == 4 ? T(105) : T(711)));
    return KeepNaN(x, hn::Expm1(d, bounded));
  }
};

struct VecLog {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V infinity = hn::Set(d, kInfinity<T>);
    const V zero = hn::Zero(d);
    V y = hn::IfThenElse(hn::Lt(x, infinity), hn::Log(d, x), x);
    y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), y);
    return hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  }
};

struct VecLog1p {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V infinity = hn::Set(d, kInfinity<T>);
    const V pole = hn::Set(d, T(-1));
    V y = hn::IfThenElse(hn::Lt(x, infinity), hn::Log1p(d, x), x);
    y = hn::IfThenElse(hn::Eq(x, pole), hn::Neg(infinity), y);
    return hn::IfThenElse(hn::Lt(x, pole), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  }
};

struct VecSin {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, T(39000)));
    return WithScalar(d, x, hn::Sin(d, hn::IfThenElseZero(safe, x)), safe, [](T v) { return std::sin(v); });
  }
};

struct VecCos {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, T(39000)));
    return WithScalar(d, x, hn::Cos(d, hn::IfThenElseZero(safe, x)), safe, [](T v) { return std::cos(v); });
  }
};

struct VecSinh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, sizeof(T) == 4 ? T(88) : T(709)));
    return WithScalar(d, x, hn::Sinh(d, hn::IfThenElseZero(safe, x)), safe, [](T v) { return std::sinh(v); });
  }
};

struct VecCosh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V size = hn::Abs(x);
    const auto safe = hn::Le(size, hn::Set(d, sizeof(T) == 4 ? T(88) : T(709)));
    const V half = hn::Set(d, T(0.5));
    const V e = hn::Exp(d, hn::IfThenElseZero(safe, size));
    const V y = hn::MulAdd(half, e, hn::Div(half, e));
    return WithScalar(d, x, y, safe, [](T v) { return std::cosh(v); });
  }
};

struct VecTanh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V bound = hn::Set(d, T(20));
    return KeepNaN(x, hn::Tanh(d, hn::Max(hn::Min(x, bound), hn::Neg(bound))));
  }
};

struct VecSigmoid {
  template <class D, class V>
  V operator()(D d, V x) const {
    const V one = hn::Set(d, hn::TFromD<D>(1));
    return hn::Div(one, hn::Add(one, VecExp()(d, hn::Neg(x))));
  }
};

struct VecAsin {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, T(1)));
    return WithScalar(d, x, hn::Asin(d, hn::IfThenElseZero(safe, x)), safe, [](T v) { return std::asin(v); });
  }
};

struct VecAcos {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, T(1)));
    return WithScalar(d, x, hn::Acos(d, hn::IfThenElseZero(safe, x)), safe, [](T v) { return std::acos(v); });
  }
};

struct VecAtan {
  template <class D, class V>
  V operator()(D d, V x) const {
    return KeepNaN(x, hn::Atan(d, x));
  }
};

struct VecAsinh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Le(hn::Abs(x), hn::Set(d, T(1e18)));
    return WithScalar(d, x, hn::Asinh(d, hn::IfThenElseZero(safe, x)), safe,
                      [](T v) { return std::asinh(v); });
  }
};

struct VecAcosh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const V one = hn::Set(d, T(1));
    const auto safe = hn::And(hn::Ge(x, one), hn::Le(x, hn::Set(d, T(1e18))));
    return WithScalar(d, x, hn::Acosh(d, hn::IfThenElse(safe, x, one)), safe,
                      [](T v) { return std::acosh(v); });
  }
};

struct VecAtanh {
  template <class D, class V>
  V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    const auto safe = hn::Lt(hn::Abs(x), hn::Set(d, T(1)));
    return WithScalar(d, x, hn::Atanh(d, hn::IfThenElseZero(safe, x)), safe,
                      [](T v) { return std::atanh(v); });
  }
};

// float32 alone. Below 1: x + x P(x^2); above: 1 - exp(Q(|x|)); both minimax fits of relative error < 2e-9.
struct VecErf {
  template <class D, class V>
  V operator()(D d, V x) const {
    const V t = hn::Min(hn::Abs(x), hn::Set(d, 4.0f));
    const V s = hn::Mul(x, x);
    V small = hn::Set(d, 7.853860983e-05f);
    small = hn::MulAdd(small, s, hn::Set(d, -8.010193513e-04f));
    small = hn::MulAdd(small, s, hn::Set(d, 5.188327673e-03f));
    small = hn::MulAdd(small, s, hn::Set(d, -2.685381193e-02f));
    small = hn::MulAdd(small, s, hn::Set(d, 1.128358515e-01f));
    small = hn::MulAdd(small, s, hn::Set(d, -3.761262582e-01f));
    small = hn::MulAdd(small, s, hn::Set(d, 1.283791657e-01f));
    small = hn::MulAdd(small, x, x);
    V large = hn::Set(d, 2.120507221e-07f);
    large = hn::MulAdd(large, t, hn::Set(d, -2.475374599e-05f));
    large = hn::MulAdd(large, t, hn::Set(d, 4.603548935e-04f));
    large = hn::MulAdd(large, t, hn::Set(d, -4.270626365e-03f));
    large = hn::MulAdd(large, t, hn::Set(d, 2.534890487e-02f));
    large = hn::MulAdd(large, t, hn::Set(d, -1.086065725e-01f));
    large = hn::MulAdd(large, t, hn::Set(d, -6.330657562e-01f));
    large = hn::MulAdd(large, t, hn::Set(d, -1.129649337e+00f));
    large = hn::MulAdd(large, t, hn::Set(d, 2.020636927e-04f));
    large = hn::CopySign(hn::Sub(hn::Set(d, 1.0f), hn::Exp(d, large)), x);
    return KeepNaN(x, hn::IfThenElse(hn::Lt(t, hn::Set(d, 1.0f)), small, large));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#endif
