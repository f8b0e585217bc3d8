// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

NormAttributes over(std::initializer_list<int64_t> axes, double epsilon = 1e-3) {
  NormAttributes attr{};
  attr.axes = list(axes);
  attr.epsilon = epsilon;
  return attr;
}

int32_t statistics(int32_t dtype) { return dtype == KERAS_FLOAT64 ? KERAS_FLOAT64 : KERAS_FLOAT32; }

struct Moments {
  std::vector<double> mean, variance;
};

// Over groups of equal `group(i)`.
template <class G>
Moments moments(const Array& x, int64_t groups, const G& group) {
  Moments m{std::vector<double>(groups), std::vector<double>(groups)};
  const double count = static_cast<double>(x.size()) / static_cast<double>(groups);
  for (int64_t i = 0; i < x.size(); ++i) m.mean[group(i)] += x[i] / count;
  for (int64_t i = 0; i < x.size(); ++i) m.variance[group(i)] += std::pow(x[i] - m.mean[group(i)], 2) / count;
  return m;
}

TEST(BatchNorm, TrainingInferenceAndGradient) {
  const std::vector<std::vector<int64_t>> shapes = {
      {4, 5}, {7, 3, 19}, {2, 9, 8, 16}, {300, 37}, {2, 64, 64, 9}};
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16}) {
    for (const auto& shape : shapes) {
      const int64_t n = shape.back(), rank = static_cast<int64_t>(shape.size());
      NormAttributes attr = over({0});
      attr.axes.count = rank - 1;
      for (int64_t a = 0; a + 1 < rank; ++a) attr.axes.v[a] = a;
      const int32_t wide = statistics(dtype);
      const Array x = random(dtype, shape, 1, 2, 6), gamma = random(wide, {n}, 2, 0.5, 2),
                  beta = random(wide, {n}, 3);
      const Moments m = moments(x, n, [=](int64_t i) { return i % n; });
      const Array mean(KERAS_FLOAT64, {n}, m.mean), variance(KERAS_FLOAT64, {n}, m.variance);
      Array y(KERAS_FLOAT64, shape);
      for (int64_t i = 0; i < x.size(); ++i) {
        y[i] = (x[i] - m.mean[i % n]) / std::sqrt(m.variance[i % n] + 1e-3) * gamma[i % n] + beta[i % n];
      }
      const double tol = tolerance(dtype), wide_tol = tolerance(wide);
      const Outcome train = run("batch_norm_train", attr, {x, gamma, beta},
                                {Array(dtype, shape), Array(wide, {n}), Array(wide, {n})}, true);
      ASSERT_EQ(train.verdict, KERAS_NATIVE) << train.message;
      expect_near(train[0], cast(y, dtype), tol, tol * 3, "y");
      expect_near(train[1], cast(mean, wide), wide_tol, wide_tol, "mean");
      expect_near(train[2], cast(variance, wide), wide_tol, wide_tol, "variance");
      const Outcome infer =
          run("batch_norm_infer", attr, {x, gamma, beta, train[1], train[2]}, {Array(dtype, shape)});
      expect_near(infer[0], cast(y, dtype), tol, tol * 3, "inference");

      const Array dy = random(dtype, shape, 4);
      std::vector<double> sum(n), along(n);
      const double rows = static_cast<double>(x.size() / n);
      const auto normal = [&](int64_t i) {
        return (x[i] - m.mean[i % n]) / std::sqrt(m.variance[i % n] + 1e-3);
      };
      for (int64_t i = 0; i < x.size(); ++i) {
        sum[i % n] += dy[i];
        along[i % n] += dy[i] * normal(i);
      }
      Array dx(KERAS_FLOAT64, shape);
      for (int64_t i = 0; i < x.size(); ++i) {
        dx[i] = gamma[i % n] / std::sqrt(m.variance[i % n] + 1e-3) *
                (dy[i] - sum[i % n] / rows - normal(i) * along[i % n] / rows);
      }
      std::vector<Tensor> operands{upload(x), upload(gamma), train.outputs[1], train.outputs[2], upload(dy)};
      operands.insert(operands.end(), train.residuals.begin(), train.residuals.end());
      const Outcome grad = run("batch_norm_train_grad", attr, operands,
                               {Array(dtype, shape), Array(wide, {n}), Array(wide, {n})});
      ASSERT_EQ(grad.verdict, KERAS_NATIVE) << grad.message;
      expect_near(grad[0], cast(dx, dtype), tol, tol * 5, "dx");
      expect_near(grad[1], cast(Array(KERAS_FLOAT64, {n}, along), wide), wide_tol * 10, wide_tol * 20,
                  "dgamma");
      expect_near(grad[2], cast(Array(KERAS_FLOAT64, {n}, sum), wide), wide_tol * 10, wide_tol * 20, "dbeta");
    }
  }
}

// The formula above is only as good as its derivation: the gradient against central differences.
TEST(BatchNorm, GradientByFiniteDifferences) {
  const Array x = random(KERAS_FLOAT64, {6, 5}, 1), gamma = random(KERAS_FLOAT64, {5}, 2),
              beta = random(KERAS_FLOAT64, {5}, 3), weight = random(KERAS_FLOAT64, {6, 5}, 4);
  const Array wide(KERAS_FLOAT64, {5});
  const auto loss = [&](const Array& at, const Array& g) {
    return dot(
        run("batch_norm_train", over({0}), {at, g, beta}, {Array(KERAS_FLOAT64, {6, 5}), wide, wide})[0],
        weight);
  };
  const Outcome y =
      run("batch_norm_train", over({0}), {x, gamma, beta}, {Array(KERAS_FLOAT64, {6, 5}), wide, wide});
  const Outcome grad =
      run("batch_norm_train_grad", over({0}), {x, gamma, y[1], y[2], weight}, {x, wide, wide});
  expect_gradient([&](const Array& v) { return loss(v, gamma); }, x, grad[0], "x");
  expect_gradient([&](const Array& v) { return loss(x, v); }, gamma, grad[1], "gamma");
}

TEST(BatchNorm, LargeMeanSmallSpread) {
  Array x = random(KERAS_FLOAT32, {1000, 4}, 1);
  for (double& v : x.values) v = 1000 + 0.1 * v;
  x.values[0] = 0;  // and an outlier first
  x = rounded(x);
  const Moments m = moments(x, 4, [](int64_t i) { return i % 4; });
  const Array vector(KERAS_FLOAT32, {4});
  const Outcome y =
      run("batch_norm_train", over({0}),
          {x, cast(Array(KERAS_FLOAT32, {4}, {1, 1, 1, 1}), KERAS_FLOAT32), vector}, {x, vector, vector});
  expect_near(y[2], cast(Array(KERAS_FLOAT64, {4}, m.variance), KERAS_FLOAT32), 1e-3, 0, "variance");
}

TEST(BatchNorm, ChannelsFirstIsComposed) {
  const Array v(KERAS_FLOAT32, {3});
  const Array x(KERAS_FLOAT32, {2, 3, 4});
  const Outcome outcome = run("batch_norm_train", over({0, 2}), {x, v, v}, {x, v, v});
  EXPECT_EQ(outcome.verdict, KERAS_COMPOSED);
  EXPECT_NE(outcome.message.find("channels last"), std::string::npos);
}

TEST(LayerNorm, ForwardAndGradient) {
  struct Case {
    std::vector<int64_t> shape;
    std::vector<int64_t> axes, vector;
  };
  const std::vector<Case> cases = {{{4, 5}, {1}, {5}},
                                   {{3, 7, 64}, {2}, {64}},
                                   {{5, 3, 4}, {1, 2}, {3, 4}},
                                   {{200, 131}, {1}, {131}},
                                   {{9}, {0}, {9}}};
  for (bool centred : {true, false}) {
    for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
      for (const Case& c : cases) {
        NormAttributes attr = over({}, 1e-3);
        attr.axes = list(c.axes);
        int64_t n = 1;
        for (int64_t v : c.vector) n *= v;
        const Array x = random(dtype, c.shape, 1, -1, 3), gamma = random(dtype, c.vector, 2, 0.5, 2),
                    beta = random(dtype, c.vector, 3), dy = random(dtype, c.shape, 4);
        const int64_t rows = x.size() / n;
        Array y(KERAS_FLOAT64, c.shape), dx = y, dgamma(KERAS_FLOAT64, c.vector), dbeta = dgamma;
        for (int64_t r = 0; r < rows; ++r) {
          double mean = 0, variance = 0, level = 0, along = 0;
          if (centred)
            for (int64_t i = 0; i < n; ++i) mean += x[r * n + i] / static_cast<double>(n);
          for (int64_t i = 0; i < n; ++i)
            variance += std::pow(x[r * n + i] - mean, 2) / static_cast<double>(n);
          const double rstd = 1 / std::sqrt(variance + 1e-3);
          for (int64_t i = 0; i < n; ++i) {
            const double normal = (x[r * n + i] - mean) * rstd, g = dy[r * n + i];
            y[r * n + i] = normal * gamma[i] + (centred ? beta[i] : 0);
            level += g * gamma[i] / static_cast<double>(n);
            along += g * gamma[i] * normal / static_cast<double>(n);
            dgamma[i] += g * normal;
            dbeta[i] += g;
          }
          for (int64_t i = 0; i < n; ++i) {
            dx[r * n + i] = rstd * (dy[r * n + i] * gamma[i] - (centred ? level : 0) -
                                    (x[r * n + i] - mean) * rstd * along);
          }
        }
        const double tol = tolerance(dtype);
        std::vector<Tensor> operands{upload(x), upload(gamma)};
        if (centred) operands.push_back(upload(beta));
        const char* const op = centred ? "layer_norm" : "rms_norm";
        const Outcome plain = run(op, attr, operands, {Array(dtype, c.shape)});
        ASSERT_EQ(plain.verdict, KERAS_NATIVE) << plain.message;
        expect_near(plain[0], cast(y, dtype), tol, tol * 3, op);
        const Outcome kept = run(op, attr, operands, {Array(dtype, c.shape)}, true);
        expect_near(kept[0], plain[0], 0, 0, "with residuals");
        std::vector<Tensor> back{operands[0], operands[1], upload(dy)};
        back.insert(back.end(), kept.residuals.begin(), kept.residuals.end());
        std::vector<Array> results{Array(dtype, c.shape), Array(dtype, c.vector)};
        if (centred) results.push_back(results[1]);
        const Outcome grad = run(centred ? "layer_norm_grad" : "rms_norm_grad", attr, back, results);
        ASSERT_EQ(grad.verdict, KERAS_NATIVE) << grad.message;
        expect_near(grad[0], cast(dx, dtype), tol, tol * 5, "dx");
        expect_near(grad[1], cast(dgamma, dtype), tol * 2, tol * 20, "dgamma");
        if (centred) expect_near(grad[2], cast(dbeta, dtype), tol * 2, tol * 20, "dbeta");
      }
    }
  }
}

TEST(LayerNorm, GradientByFiniteDifferences) {
  const Array x = random(KERAS_FLOAT64, {3, 6}, 1), gamma = random(KERAS_FLOAT64, {6}, 2),
              beta = random(KERAS_FLOAT64, {6}, 3), weight = random(KERAS_FLOAT64, {3, 6}, 4);
  for (bool centred : {true, false}) {
    const char* const op = centred ? "layer_norm" : "rms_norm";
    const auto loss = [&](const Array& at) {
      std::vector<Array> operands{at, gamma};
      if (centred) operands.push_back(beta);
      return dot(run(op, over({1}), operands, {x})[0], weight);
    };
    std::vector<Tensor> operands{upload(x), upload(gamma)};
    if (centred) operands.push_back(upload(beta));
    const Outcome y = run(op, over({1}), operands, {x}, true);
    std::vector<Tensor> back{operands[0], operands[1], upload(weight)};
    back.insert(back.end(), y.residuals.begin(), y.residuals.end());
    std::vector<Array> results{x, gamma};
    if (centred) results.push_back(beta);
    expect_gradient(loss, x, run(centred ? "layer_norm_grad" : "rms_norm_grad", over({1}), back, results)[0],
                    op);
  }
}

}  // namespace
}  // namespace keras::kernel_test
