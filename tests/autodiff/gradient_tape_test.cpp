// SPDX-License-Identifier: Apache-2.0
#include "keras/autodiff/gradient_tape.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"

namespace keras {
namespace {

Tensor doubles(const std::vector<double>& values, const Shape& shape) { return Tensor::from(values, shape); }

TEST(GradientTape, ChainsThroughOpsAndBroadcasts) {
  const Tensor x = doubles({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor b = doubles({0.5, -1, 2}, {3});
  GradientTape tape;
  tape.watch(Nest{x, b});
  const Tensor y = ops::sum(ops::exp(b) * x * x);
  const Nest g = tape.gradient(Nest(y), Nest{x, b});
  EXPECT_NEAR(g[0].tensor().at<double>({1, 0}), 2 * 4 * std::exp(0.5), 1e-12);
  EXPECT_NEAR(g[1].tensor().at<double>({1}), (4 + 25) * std::exp(-1.0), 1e-12);
}

TEST(GradientTape, WatchesTrainableVariablesThatAreRead) {
  const Variable w(doubles({3}, {1}), "w");
  const Variable frozen(doubles({5}, {1}), "frozen", false);
  GradientTape tape;
  const Tensor y = ops::sum(w.value() * w.value() * frozen.value());
  const auto g = tape.gradient(y, std::vector<Variable>{w, frozen});
  EXPECT_DOUBLE_EQ(g[0].item<double>(), 30);
  EXPECT_FALSE(g[1].defined());
}

TEST(GradientTape, UnconnectedSourcesGiveNoneOrZeros) {
  const Tensor x = doubles({1}, {1});
  const Tensor z = doubles({1, 2}, {2});
  GradientTape tape(true);
  tape.watch(Nest{x, z});
  const Tensor y = x * 2;
  EXPECT_FALSE(tape.gradient(y, z).defined());
  const Tensor zeros = tape.gradient(y, z, {.unconnected_gradients = UnconnectedGradients::zero});
  EXPECT_EQ(zeros.to_vector<double>(), (std::vector<double>{0, 0}));
}

TEST(GradientTape, PersistsOnlyWhenAsked) {
  const Tensor x = doubles({2}, {1});
  GradientTape once;
  once.watch(x);
  const Tensor y = x * x;
  EXPECT_DOUBLE_EQ(once.gradient(y, x).item<double>(), 4);
  EXPECT_THROW(once.gradient(y, x), ValueError);
}

TEST(GradientTape, PersistentGradientsStayRightAfterAnAssignment) {
  const Variable w(doubles({2}, {1}), "w");
  GradientTape tape(true);
  const Tensor y = ops::sum(w.value() * w.value());
  EXPECT_DOUBLE_EQ(tape.gradient(y, w).item<double>(), 4);
  w.assign(doubles({10}, {1}));
  EXPECT_DOUBLE_EQ(tape.gradient(y, w).item<double>(), 4);
}

TEST(GradientTape, StopsAndResets) {
  const Tensor x = doubles({2}, {1});
  GradientTape tape(true);
  tape.watch(x);
  Tensor hidden;
  {
    const auto pause = tape.stop_recording();
    hidden = x * x;
  }
  EXPECT_FALSE(tape.gradient(hidden, x).defined());
  tape.reset();
  EXPECT_FALSE(tape.gradient(x * x, x).defined());
  EXPECT_FALSE(tape.gradient(ops::stop_gradient(x) * 3, x).defined());
}

TEST(GradientTape, TakesOutputGradients) {
  const Tensor x = doubles({1, 2}, {2});
  GradientTape tape;
  tape.watch(x);
  const Tensor g = tape.gradient(x * x, x, {.output_gradients = doubles({1, 10}, {2})});
  EXPECT_EQ(g.to_vector<double>(), (std::vector<double>{2, 40}));
}

TEST(GradientTape, NestsForSecondDerivatives) {
  const Tensor x = doubles({0.7}, {1});
  GradientTape outer;
  outer.watch(x);
  Tensor first;
  {
    GradientTape inner;
    inner.watch(x);
    first = inner.gradient(ops::sin(x), x);
  }
  EXPECT_NEAR(outer.gradient(first, x).item<double>(), -std::sin(0.7), 1e-12);
}

// A fused op differentiated twice goes by its decomposition.
TEST(GradientTape, DifferentiatesFusedOpsTwice) {
  const Tensor x = doubles({0.1, -0.4, 0.9}, {1, 3});
  const auto f = [](const Tensor& t) {
    const Tensor p = ops::softmax(t);
    return ops::sum(p * p);
  };
  const Tensor h = hessian(f, x);
  const double step = 1e-4;
  for (int64_t i = 0; i < 3; ++i) {
    auto gradient_at = [&](double shift) {
      auto values = x.to_vector<double>();
      values[static_cast<size_t>(i)] += shift;
      const Tensor moved = doubles(values, {1, 3});
      GradientTape tape;
      tape.watch(moved);
      return tape.gradient(f(moved), moved).to_vector<double>();
    };
    const auto up = gradient_at(step);
    const auto down = gradient_at(-step);
    for (int64_t j = 0; j < 3; ++j) {
      const auto k = static_cast<size_t>(j);
      EXPECT_NEAR(h.at<double>({0, i, 0, j}), (up[k] - down[k]) / (2 * step), 1e-7);
    }
  }
}

TEST(GradientTape, GivesJacobians) {
  const Tensor x = doubles({1, 2, 3, 4}, {2, 2});
  {
    GradientTape tape;
    tape.watch(x);
    const Tensor j = tape.jacobian(x * x, x);
    EXPECT_EQ(j.shape(), (Shape{2, 2, 2, 2}));
    EXPECT_DOUBLE_EQ(j.at<double>({1, 0, 1, 0}), 6);
    EXPECT_DOUBLE_EQ(j.at<double>({1, 0, 0, 0}), 0);
  }
  GradientTape tape;
  tape.watch(x);
  const Tensor j = tape.batch_jacobian(x * x, x);
  EXPECT_EQ(j.shape(), (Shape{2, 2, 2}));
  EXPECT_DOUBLE_EQ(j.at<double>({1, 1, 1}), 8);
  EXPECT_DOUBLE_EQ(j.at<double>({1, 1, 0}), 0);
}

TEST(Jvp, IsTheDirectionalDerivative) {
  const Tensor x = doubles({0.3, 0.8}, {2});
  const Tensor v = doubles({1, -2}, {2});
  const auto [y, dy] = jvp([](const Tensor& t) { return ops::tanh(t) * ops::sum(t); }, x, v);
  const double s = 1.1;
  const double ds = -1;
  EXPECT_NEAR(dy.at<double>({0}), (1 - std::pow(std::tanh(0.3), 2)) * 1 * s + std::tanh(0.3) * ds, 1e-12);
  EXPECT_NEAR(dy.at<double>({1}), (1 - std::pow(std::tanh(0.8), 2)) * -2 * s + std::tanh(0.8) * ds, 1e-12);
}

TEST(CustomGradient, ReplacesTheGradient) {
  const auto doubled = custom_gradient([](const std::vector<Tensor>& in) {
    return std::pair<Tensor, CustomGradient>{in[0] * in[0],
                                             [](const Tensor& up) { return std::vector<Tensor>{up * 100}; }};
  });
  const Tensor x = doubles({3}, {1});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = doubled({x});
  EXPECT_DOUBLE_EQ(y.item<double>(), 9);
  EXPECT_DOUBLE_EQ(tape.gradient(y, x).item<double>(), 100);
}

TEST(GradientTape, RefusesIntegers) {
  GradientTape tape;
  EXPECT_THROW(tape.watch(Tensor({1, 2})), TypeError);
}

}  // namespace
}  // namespace keras
