// SPDX-License-Identifier: Apache-2.0
// The optimizers' formulas for one element, as Keras 3 writes them, in the precision of the parameter. Each
// rule is built from the attributes and the scalars of a step; operator() gives the new parameter and
// replaces the slots `s`. Included again for each instruction set.
#if defined(KERAS_NATIVE_UPDATE_RULES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERAS_NATIVE_UPDATE_RULES_INL_H_
#undef KERAS_NATIVE_UPDATE_RULES_INL_H_
#else
#define KERAS_NATIVE_UPDATE_RULES_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "update.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

template <class T>
T Larger(T a, T b) {
  return a > b ? a : b;
}
template <class T>
T RootOf(T x) {
  return std::sqrt(x);
}

template <class T>
struct PlainSgd {
  static constexpr int kSlots = 0;
  PlainSgd(const UpdateAttributes&, const StepScalars& step) : rate(static_cast<T>(step.rate)) {}
  T operator()(T w, T g, T*) const { return w - g * rate; }
  T rate;
};

template <class T, bool kNesterov>
struct MomentumSgd {
  static constexpr int kSlots = 1;
  MomentumSgd(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)), momentum(static_cast<T>(at.momentum)) {}
  T operator()(T w, T g, T* s) const {
    const T delta = g * rate;
    s[0] = s[0] * momentum - delta;
    return w + (kNesterov ? s[0] * momentum - delta : s[0]);
  }
  T rate, momentum;
};

template <class T, bool kMomentum, bool kCentered>
struct Rmsprop {
  static constexpr int kSlots = 1 + kMomentum + kCentered;
  Rmsprop(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)),
        rho(static_cast<T>(at.beta_1)),
        rest(static_cast<T>(1 - at.beta_1)),
        momentum(static_cast<T>(at.momentum)),
        epsilon(static_cast<T>(at.epsilon)) {}
  T operator()(T w, T g, T* s) const {
    s[0] = rho * s[0] + rest * (g * g);
    T denominator = s[0];
    if constexpr (kCentered) {
      T& average = s[1 + kMomentum];
      average = rho * average + rest * g;
      denominator -= average * average;
    }
    const T increment = rate * g / RootOf(denominator + epsilon);
    if constexpr (!kMomentum) return w - increment;
    if constexpr (kMomentum) {
      s[1] = momentum * s[1] + increment;
      return w - s[1];
    }
  }
  T rate, rho, rest, momentum, epsilon;
};

template <class T, bool kAmsgrad>
struct Adam {
  static constexpr int kSlots = 2 + kAmsgrad;
  Adam(const UpdateAttributes& at, const StepScalars& step)
      : rest_1(static_cast<T>(1 - at.beta_1)),
        rest_2(static_cast<T>(1 - at.beta_2)),
        epsilon(static_cast<T>(at.epsilon)) {
    const T time = static_cast<T>(step.iteration + 1);
    const T bias_1 = T{1} - std::pow(static_cast<T>(at.beta_1), time);
    const T bias_2 = T{1} - std::pow(static_cast<T>(at.beta_2), time);
    alpha = static_cast<T>(step.rate) * RootOf(bias_2) / bias_1;
  }
  T operator()(T w, T g, T* s) const {
    s[0] += (g - s[0]) * rest_1;
    s[1] += (g * g - s[1]) * rest_2;
    T second = s[1];
    if constexpr (kAmsgrad) second = s[2] = Larger(s[2], s[1]);
    return w - s[0] * alpha / (RootOf(second) + epsilon);
  }
  T rest_1, rest_2, epsilon, alpha;
};

template <class T>
struct Adagrad {
  static constexpr int kSlots = 1;
  Adagrad(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)), epsilon(static_cast<T>(at.epsilon)) {}
  T operator()(T w, T g, T* s) const {
    s[0] += g * g;
    return w - rate * g / RootOf(s[0] + epsilon);
  }
  T rate, epsilon;
};

template <class T>
struct Adadelta {
  static constexpr int kSlots = 2;
  Adadelta(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)),
        rho(static_cast<T>(at.beta_1)),
        rest(static_cast<T>(1 - at.beta_1)),
        epsilon(static_cast<T>(at.epsilon)) {}
  T operator()(T w, T g, T* s) const {
    s[0] = rho * s[0] + rest * (g * g);
    const T delta = -(RootOf(s[1] + epsilon) * g / RootOf(s[0] + epsilon));
    s[1] = rho * s[1] + rest * (delta * delta);
    return w + rate * delta;
  }
  T rate, rho, rest, epsilon;
};

template <class T>
struct Adamax {
  static constexpr int kSlots = 2;
  Adamax(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)),
        rest_1(static_cast<T>(1 - at.beta_1)),
        beta_2(static_cast<T>(at.beta_2)),
        epsilon(static_cast<T>(at.epsilon)),
        bias(T{1} - std::pow(static_cast<T>(at.beta_1), static_cast<T>(step.iteration + 1))) {}
  T operator()(T w, T g, T* s) const {
    s[0] += (g - s[0]) * rest_1;
    s[1] = Larger(beta_2 * s[1], std::fabs(g));
    return w - rate * s[0] / (bias * (s[1] + epsilon));
  }
  T rate, rest_1, beta_2, epsilon, bias;
};

template <class T>
struct Lion {
  static constexpr int kSlots = 1;
  Lion(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)),
        beta_1(static_cast<T>(at.beta_1)),
        rest_1(static_cast<T>(1 - at.beta_1)),
        beta_2(static_cast<T>(at.beta_2)),
        rest_2(static_cast<T>(1 - at.beta_2)) {}
  T operator()(T w, T g, T* s) const {
    const T mixed = s[0] * beta_1 + g * rest_1;
    const T sign = mixed != mixed ? mixed : static_cast<T>(mixed > T{0}) - static_cast<T>(mixed < T{0});
    s[0] = s[0] * beta_2 + g * rest_2;
    return w - rate * sign;
  }
  T rate, beta_1, rest_1, beta_2, rest_2;
};

template <class T>
struct Nadam {
  static constexpr int kSlots = 2;
  Nadam(const UpdateAttributes& at, const StepScalars& step)
      : rate(static_cast<T>(step.rate)),
        rest_1(static_cast<T>(1 - at.beta_1)),
        rest_2(static_cast<T>(1 - at.beta_2)),
        epsilon(static_cast<T>(at.epsilon)) {
    const T time = static_cast<T>(step.iteration + 1);
    const auto factor = [&](T t) {
      return static_cast<T>(at.beta_1) * (T{1} - T(0.5) * std::pow(static_cast<T>(0.96), t));
    };
    const T product = static_cast<T>(step.product);
    next = factor(time + T{1});
    now_rest = T{1} - factor(time);
    next_bias = T{1} - product * next;
    now_bias = T{1} - product;
    bias_2 = T{1} - std::pow(static_cast<T>(at.beta_2), time);
  }
  T operator()(T w, T g, T* s) const {
    s[0] += (g - s[0]) * rest_1;
    s[1] += (g * g - s[1]) * rest_2;
    const T first = next * s[0] / next_bias + now_rest * g / now_bias;
    return w - first * rate / (RootOf(s[1] / bias_2) + epsilon);
  }
  T rate, rest_1, rest_2, epsilon, next, now_rest, next_bias, now_bias, bias_2;
};

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#endif
