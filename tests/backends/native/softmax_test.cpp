// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

// (outer, middle, inner) of the axes
struct Case {
  std::vector<int64_t> shape, axes;
  int64_t outer, middle, inner;
};
const std::vector<Case> kCases = {{{5, 10}, {1}, 5, 10, 1},         {{3, 4, 37}, {2}, 12, 37, 1},
                                  {{3, 7, 21}, {1}, 3, 7, 21},      {{6, 5}, {0}, 1, 6, 5},
                                  {{2, 3, 4, 5}, {1, 2}, 2, 12, 5}, {{2, 3, 4}, {1, 2}, 2, 12, 1},
                                  {{4, 1}, {1}, 4, 1, 1},           {{130, 33}, {1}, 130, 33, 1}};

// f(offset of the first element, stride, count) for every softmax
template <class F>
void each_row(const Case& c, const F& f) {
  for (int64_t o = 0; o < c.outer; ++o) {
    for (int64_t i = 0; i < c.inner; ++i) f(o * c.middle * c.inner + i, c.inner, c.middle, o * c.inner + i);
  }
}

TEST(Softmax, AllOfThemAgainstTheDefinition) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16}) {
    for (const Case& c : kCases) {
      const Array x = random(dtype, c.shape, 1, -20, 20), dy = random(dtype, c.shape, 2);
      Array soft(KERAS_FLOAT64, c.shape), log_soft = soft;
      std::vector<int64_t> reduced;
      for (int64_t a = 0; a < static_cast<int64_t>(c.shape.size()); ++a) {
        if (std::count(c.axes.begin(), c.axes.end(), a) == 0) reduced.push_back(c.shape[a]);
      }
      Array sums(KERAS_FLOAT64, reduced);
      each_row(c, [&](int64_t at, int64_t step, int64_t n, int64_t row) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(x[at + i * step]);
        for (int64_t i = 0; i < n; ++i) {
          soft[at + i * step] = std::exp(x[at + i * step]) / sum;
          log_soft[at + i * step] = x[at + i * step] - std::log(sum);
        }
        sums[row] = std::log(sum);
      });
      const double tol = tolerance(dtype);
      AxesAttributes attr{};
      attr.axes = list(c.axes);
      const Outcome y = run("softmax", attr, {x}, {Array(dtype, c.shape)});
      ASSERT_EQ(y.verdict, KERAS_NATIVE) << y.message;
      expect_near(y[0], cast(soft, dtype), tol, tol * 0.1, "softmax");
      const Outcome log_y = run("log_softmax", attr, {x}, {Array(dtype, c.shape)});
      expect_near(log_y[0], cast(log_soft, dtype), tol, tol, "log_softmax");
      ReduceAttributes reduce{};
      reduce.axes = list(c.axes);
      expect_near(run("logsumexp", reduce, {x}, {Array(dtype, reduced)})[0], cast(sums, dtype), tol, tol,
                  "logsumexp");

      Array dx(KERAS_FLOAT64, c.shape), log_dx = dx;
      const Array y0 = y[0], y1 = log_y[0];
      each_row(c, [&](int64_t at, int64_t step, int64_t n, int64_t) {
        double product = 0, sum = 0;
        for (int64_t i = 0; i < n; ++i) {
          product += y0[at + i * step] * dy[at + i * step];
          sum += dy[at + i * step];
        }
        for (int64_t i = at; i < at + n * step; i += step) {
          dx[i] = y0[i] * (dy[i] - product);
          log_dx[i] = dy[i] - std::exp(y1[i]) * sum;
        }
      });
      expect_near(run("softmax_grad", attr, {y0, dy}, {Array(dtype, c.shape)})[0], cast(dx, dtype), tol * 5,
                  tol, "softmax_grad");
      expect_near(run("log_softmax_grad", attr, {y1, dy}, {Array(dtype, c.shape)})[0], cast(log_dx, dtype),
                  tol * 5, tol * 5, "log_softmax_grad");
    }
  }
}

TEST(Softmax, ExtremeLogits) {
  const double infinity = std::numeric_limits<double>::infinity();
  AxesAttributes attr{};
  attr.axes = list({1});
  const Array y = run("softmax", attr, {Array(KERAS_FLOAT32, {2, 2}, {1000, 0, -infinity, 3})},
                      {Array(KERAS_FLOAT32, {2, 2})})[0];
  EXPECT_EQ(y.values, (std::vector<double>{1, 0, 0, 1}));
  ReduceAttributes reduce{};
  reduce.axes = list({1});
  const Array x(KERAS_FLOAT32, {2, 2}, {-infinity, -infinity, 1000, 1000});
  const Array s = run("logsumexp", reduce, {x}, {Array(KERAS_FLOAT32, {2})})[0];
  EXPECT_EQ(s[0], -infinity);
  EXPECT_NEAR(s[1], 1000 + std::log(2.0), 1e-3);
}

TEST(CrossEntropy, LossAndGradient) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
    for (int32_t label_dtype : {KERAS_INT32, KERAS_INT64, KERAS_UINT8}) {
      const Array logits = random(dtype, {4, 3, 11}, 1, -5, 5),
                  labels = random(label_dtype, {4, 3}, 2, 0, 11), dy = random(dtype, {4, 3}, 3);
      Array loss(KERAS_FLOAT64, {4, 3}), dx(KERAS_FLOAT64, {4, 3, 11});
      for (int64_t r = 0; r < 12; ++r) {
        double sum = 0;
        for (int64_t c = 0; c < 11; ++c) sum += std::exp(logits[r * 11 + c]);
        const int64_t label = static_cast<int64_t>(labels[r]);
        loss[r] = std::log(sum) - logits[r * 11 + label];
        for (int64_t c = 0; c < 11; ++c)
          dx[r * 11 + c] = dy[r] * (std::exp(logits[r * 11 + c]) / sum - (c == label));
      }
      const double tol = tolerance(dtype);
      const std::vector<Tensor> operands{upload(logits), upload(labels)};
      for (bool residuals : {false, true}) {
        const Outcome outcome =
            run("softmax_cross_entropy", NoAttributes{}, operands, {Array(dtype, {4, 3})}, residuals);
        ASSERT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
        expect_near(outcome[0], cast(loss, dtype), tol, tol, "loss");
        if (!residuals) continue;
        std::vector<Tensor> all{operands[0], operands[1], upload(dy)};
        all.insert(all.end(), outcome.residuals.begin(), outcome.residuals.end());
        const Outcome gradient =
            run("softmax_cross_entropy_grad", NoAttributes{}, all, {Array(dtype, {4, 3, 11})});
        ASSERT_EQ(gradient.status, KERAS_OK) << gradient.message;
        expect_near(gradient[0], cast(dx, dtype), tol, tol, "dlogits");
      }
    }
  }
}

TEST(CrossEntropy, LabelOutOfRangeIsNamed) {
  const Outcome outcome =
      run("softmax_cross_entropy", NoAttributes{},
          std::vector<Array>{Array(KERAS_FLOAT32, {2, 3}), Array(KERAS_INT32, {2}, {0, 3})},
          {Array(KERAS_FLOAT32, {2})});
  EXPECT_EQ(outcome.status, KERAS_ERROR_VALUE);
  for (const char* part : {"label 3", "row 1", "[0, 3)"})
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
}

}  // namespace
}  // namespace keras::kernel_test
