// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "backends/native/plugin.h"

// update_many against Keras 3's formulas (keras/src/optimizers), written out in double for one element.
namespace keras::native_test {
namespace {

struct Numbers {
  double rate;
  double step;  // iteration + 1
  double product;
};

// Gives the new parameter and replaces the slots.
double expected(const UpdateAttributes& at, const Numbers& n, double w, double g, std::vector<double>& s) {
  if (at.weight_decay != 0) w -= w * at.weight_decay * n.rate;
  const double b1 = at.beta_1;
  const double b2 = at.beta_2;
  switch (at.rule) {
    case KERAS_UPDATE_SGD: {
      if (s.empty()) return w - n.rate * g;
      s[0] = s[0] * at.momentum - g * n.rate;
      return w + (at.nesterov != 0 ? s[0] * at.momentum - g * n.rate : s[0]);
    }
    case KERAS_UPDATE_RMSPROP: {
      s[0] = b1 * s[0] + (1 - b1) * g * g;
      double denominator = s[0] + at.epsilon;
      if (at.centered != 0) {
        s.back() = b1 * s.back() + (1 - b1) * g;
        denominator = s[0] - s.back() * s.back() + at.epsilon;
      }
      const double increment = n.rate * g / std::sqrt(denominator);
      if (at.momentum <= 0) return w - increment;
      s[1] = at.momentum * s[1] + increment;
      return w - s[1];
    }
    case KERAS_UPDATE_ADAM: {
      const double alpha = n.rate * std::sqrt(1 - std::pow(b2, n.step)) / (1 - std::pow(b1, n.step));
      s[0] += (g - s[0]) * (1 - b1);
      s[1] += (g * g - s[1]) * (1 - b2);
      double v = s[1];
      if (at.amsgrad != 0) v = s[2] = std::max(s[2], s[1]);
      return w - s[0] * alpha / (std::sqrt(v) + at.epsilon);
    }
    case KERAS_UPDATE_ADAGRAD:
      s[0] += g * g;
      return w - n.rate * g / std::sqrt(s[0] + at.epsilon);
    case KERAS_UPDATE_ADADELTA: {
      s[0] = b1 * s[0] + (1 - b1) * g * g;
      const double delta = -std::sqrt(s[1] + at.epsilon) * g / std::sqrt(s[0] + at.epsilon);
      s[1] = b1 * s[1] + (1 - b1) * delta * delta;
      return w + n.rate * delta;
    }
    case KERAS_UPDATE_ADAMAX:
      s[0] += (g - s[0]) * (1 - b1);
      s[1] = std::max(b2 * s[1], std::fabs(g));
      return w - n.rate * s[0] / ((1 - std::pow(b1, n.step)) * (s[1] + at.epsilon));
    case KERAS_UPDATE_LION: {
      const double mixed = s[0] * b1 + g * (1 - b1);
      s[0] = s[0] * b2 + g * (1 - b2);
      return w - n.rate * ((mixed > 0) - (mixed < 0));
    }
    default: {
      const double now = b1 * (1 - 0.5 * std::pow(0.96, n.step));
      const double next = b1 * (1 - 0.5 * std::pow(0.96, n.step + 1));
      s[0] += (g - s[0]) * (1 - b1);
      s[1] += (g * g - s[1]) * (1 - b2);
      const double m_hat = next * s[0] / (1 - n.product * next) + (1 - now) * g / (1 - n.product);
      const double v_hat = s[1] / (1 - std::pow(b2, n.step));
      return w - m_hat * n.rate / (std::sqrt(v_hat) + at.epsilon);
    }
  }
}

template <class T>
void check(UpdateAttributes at, int64_t slots, double tolerance) {
  at.struct_size = sizeof(at);
  at.count = 3;
  at.slots = slots;
  const std::vector<Shape> shapes = {{33, 17}, {}, {1000}};
  const bool nadam = at.rule == KERAS_UPDATE_NADAM;
  std::vector<Array> in = {array<float>({}, {0.05f}), array<int64_t>({}, {6})};
  if (nadam) in.push_back(array<float>({}, {0.3f}));
  const Numbers numbers{0.05f, 7, 0.3f};
  unsigned seed = 1;
  for (const Shape& shape : shapes) in.push_back(uniform<T>(shape, -1, 1, seed++));
  for (const Shape& shape : shapes) in.push_back(uniform<T>(shape, -1, 1, seed++));
  for (const Shape& shape : shapes) {
    for (int64_t k = 0; k < slots; ++k) in.push_back(uniform<T>(shape, 0.5, 1, seed++));
  }
  const size_t lead = nadam ? 3 : 2;
  std::vector<keras_desc> out;
  for (size_t p = 0; p < 3; ++p) out.push_back(in[lead + p].desc);
  for (size_t i = lead + 6; i < in.size(); ++i) out.push_back(in[i].desc);
  for (const int donated : {-1, static_cast<int>(lead)}) {
    const auto results = run_raw("update_many", &at, sizeof(at), in, out, donated);
    for (size_t p = 0; p < 3; ++p) {
      const auto w = as_double(in[lead + p]);
      const auto g = as_double(in[lead + 3 + p]);
      const auto w_new = as_double(results[p]);
      for (size_t i = 0; i < w.size(); ++i) {
        std::vector<double> s;
        for (int64_t k = 0; k < slots; ++k) {
          s.push_back(as_double(in[lead + 6 + p * static_cast<size_t>(slots) + static_cast<size_t>(k)])[i]);
        }
        const double want = expected(at, numbers, w[i], g[i], s);
        ASSERT_NEAR(w_new[i], want, tolerance) << "rule " << at.rule << " parameter " << p;
        for (size_t k = 0; k < s.size(); ++k) {
          ASSERT_NEAR(as_double(results[3 + p * s.size() + k])[i], s[k], tolerance)
              << "rule " << at.rule << " slot " << k;
        }
        if (i > 60 && i + 60 < w.size()) i += 13;
      }
    }
  }
}

template <class T>
void check_all(double tolerance) {
  UpdateAttributes at{};
  at.epsilon = 1e-7;
  at.rule = KERAS_UPDATE_SGD;
  check<T>(at, 0, tolerance);
  at.weight_decay = 0.1;
  check<T>(at, 0, tolerance);
  at.weight_decay = 0;
  at.momentum = 0.9;
  check<T>(at, 1, tolerance);
  at.nesterov = 1;
  check<T>(at, 1, tolerance);
  at.rule = KERAS_UPDATE_RMSPROP;
  at.beta_1 = 0.9;
  check<T>(at, 2, tolerance);
  at.momentum = 0;
  check<T>(at, 1, tolerance);
  at.centered = 1;
  at.epsilon = 1;
  check<T>(at, 2, tolerance);
  at.momentum = 0.5;
  check<T>(at, 3, tolerance);
  at = UpdateAttributes{};
  at.epsilon = 1e-7;
  at.beta_1 = 0.9;
  at.beta_2 = 0.999;
  at.rule = KERAS_UPDATE_ADAM;
  check<T>(at, 2, tolerance);
  at.amsgrad = 1;
  at.weight_decay = 0.01;
  check<T>(at, 3, tolerance);
  at.rule = KERAS_UPDATE_ADAGRAD;
  check<T>(at, 1, tolerance);
  at.rule = KERAS_UPDATE_ADADELTA;
  check<T>(at, 2, tolerance);
  at.rule = KERAS_UPDATE_ADAMAX;
  check<T>(at, 2, tolerance);
  at.rule = KERAS_UPDATE_LION;
  check<T>(at, 1, tolerance);
  at.rule = KERAS_UPDATE_NADAM;
  check<T>(at, 2, tolerance);
}

TEST(NativeUpdate, EveryRuleFloat32) { check_all<float>(2e-6); }
TEST(NativeUpdate, EveryRuleFloat64) { check_all<double>(1e-7); }  // the scalars are float32 here
TEST(NativeUpdate, EveryRuleBFloat16RoundsOnce) { check_all<BFloat16>(0.008); }

}  // namespace
}  // namespace keras::native_test
