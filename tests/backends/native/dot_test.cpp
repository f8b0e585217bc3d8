// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

struct Axes {
  std::vector<int64_t> lhs_contract, rhs_contract, lhs_batch, rhs_batch;
};

DotAttributes attributes_of(const Axes& axes) {
  DotAttributes attr{};
  attr.lhs_contract = list(axes.lhs_contract);
  attr.rhs_contract = list(axes.rhs_contract);
  attr.lhs_batch = list(axes.lhs_batch);
  attr.rhs_batch = list(axes.rhs_batch);
  return attr;
}

std::vector<int64_t> rest(size_t rank, const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < static_cast<int64_t>(rank); ++i) {
    if (std::count(a.begin(), a.end(), i) == 0 && std::count(b.begin(), b.end(), i) == 0) axes.push_back(i);
  }
  return axes;
}

// Element offsets of all index tuples over some axes, row-major in the order of the axes.
std::vector<int64_t> offsets(const Array& a, const std::vector<int64_t>& axes) {
  std::vector<int64_t> strides(a.shape.size(), 1), result{0};
  for (int64_t i = static_cast<int64_t>(a.shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * a.shape[i + 1];
  for (int64_t axis : axes) {
    std::vector<int64_t> next;
    for (int64_t base : result) {
      for (int64_t i = 0; i < a.shape[axis]; ++i) next.push_back(base + i * strides[axis]);
    }
    result = next;
  }
  return result;
}

Array reference(const Array& a, const Array& b, const Axes& axes, int32_t dtype) {
  const auto a_free = rest(a.shape.size(), axes.lhs_batch, axes.lhs_contract);
  const auto b_free = rest(b.shape.size(), axes.rhs_batch, axes.rhs_contract);
  std::vector<int64_t> shape;
  for (int64_t i : axes.lhs_batch) shape.push_back(a.shape[i]);
  for (int64_t i : a_free) shape.push_back(a.shape[i]);
  for (int64_t i : b_free) shape.push_back(b.shape[i]);
  Array result(dtype, shape);
  const auto ab = offsets(a, axes.lhs_batch), bb = offsets(b, axes.rhs_batch), af = offsets(a, a_free),
             bf = offsets(b, b_free), ac = offsets(a, axes.lhs_contract), bc = offsets(b, axes.rhs_contract);
  size_t at = 0;
  for (size_t batch = 0; batch < ab.size(); ++batch) {
    for (int64_t i : af) {
      for (int64_t j : bf) {
        double re = 0, im = 0;
        for (size_t k = 0; k < ac.size(); ++k) {
          const int64_t p = ab[batch] + i + ac[k], q = bb[batch] + j + bc[k];
          if (dtype == KERAS_COMPLEX64) {
            re += a[2 * p] * b[2 * q] - a[2 * p + 1] * b[2 * q + 1];
            im += a[2 * p] * b[2 * q + 1] + a[2 * p + 1] * b[2 * q];
          } else {
            re += a[p] * b[q];
          }
        }
        result.values[at++] = re;
        if (dtype == KERAS_COMPLEX64) result.values[at++] = im;
      }
    }
  }
  return rounded(result);
}

void check(int32_t dtype, const std::vector<int64_t>& a_shape, const std::vector<int64_t>& b_shape,
           const Axes& axes) {
  const bool integer = dtype < KERAS_FLOAT16;
  const Array a = random(dtype, a_shape, 1, integer ? 0 : -1, integer ? 4 : 1);
  const Array b = random(dtype, b_shape, 2, integer ? 0 : -1, integer ? 4 : 1);
  const Array expected = reference(a, b, axes, dtype);
  const Outcome outcome = run("dot_general", attributes_of(axes), {a, b}, {Array(dtype, expected.shape)});
  ASSERT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
  ASSERT_EQ(outcome.status, KERAS_OK) << outcome.message;
  const double tol = tolerance(dtype);
  expect_near(outcome[0], expected, tol, tol * 10, "dot_general of dtype " + std::to_string(dtype));
}

const Axes kNN{{1}, {0}, {}, {}}, kNT{{1}, {1}, {}, {}}, kTN{{0}, {0}, {}, {}}, kTT{{0}, {1}, {}, {}};

TEST(Dot, MatricesInEveryOrientationAndSize) {
  for (int32_t dtype :
       {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16, KERAS_INT32, KERAS_COMPLEX64}) {
    for (auto [m, n, k] : std::vector<std::array<int64_t, 3>>{
             {1, 1, 1}, {1, 7, 5}, {6, 1, 3}, {3, 4, 1}, {17, 33, 9}, {64, 48, 70}, {130, 20, 40}}) {
      check(dtype, {m, k}, {k, n}, kNN);
      check(dtype, {m, k}, {n, k}, kNT);
      check(dtype, {k, m}, {k, n}, kTN);
      check(dtype, {k, m}, {n, k}, kTT);
    }
  }
}

TEST(Dot, BlocksOfLargeFloat64Products) {
  check(KERAS_FLOAT64, {101, 300}, {300, 780}, kNN);
  check(KERAS_FLOAT64, {200, 260}, {31, 260}, kNT);
  check(KERAS_FLOAT32, {101, 300}, {257, 300}, kNT);
}

TEST(Dot, BatchesAndManyAxes) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_INT64, KERAS_BFLOAT16, KERAS_COMPLEX64}) {
    check(dtype, {3, 4, 5}, {3, 5, 6}, {{2}, {1}, {0}, {0}});
    check(dtype, {2, 7, 3, 5}, {2, 6, 3, 5}, {{3}, {3}, {0, 2}, {0, 2}});  // attention's q k^T
    check(dtype, {2, 3, 7, 6}, {2, 6, 3, 5}, {{3}, {1}, {0, 1}, {0, 2}});  // weights times v
    check(dtype, {4, 5, 6}, {6, 7}, {{2}, {0}, {}, {}});                   // Dense over the last axis
    check(dtype, {4, 5, 6}, {4, 5, 7}, {{0, 1}, {0, 1}, {}, {}});          // its kernel's gradient
    check(dtype, {4, 5, 6}, {6, 5, 3}, {{2, 1}, {0, 1}, {}, {}});          // crossed pairs
    check(dtype, {4, 5, 6}, {5, 6, 3}, {{1, 2}, {0, 1}, {}, {}});
    check(dtype, {4, 5, 6}, {3, 6, 2, 5}, {{1, 2}, {3, 1}, {}, {}});
    check(dtype, {5}, {5}, {{0}, {0}, {}, {}});
    check(dtype, {5, 2}, {3}, {{}, {}, {}, {}});         // outer product
    check(dtype, {3, 5}, {3, 5}, {{1}, {1}, {0}, {0}});  // rows' inner products
    check(dtype, {40, 3, 3}, {40, 3, 3}, {{2}, {1}, {0}, {0}});
  }
}

TEST(Dot, EmptySums) {
  check(KERAS_FLOAT32, {3, 0}, {0, 4}, kNN);
  check(KERAS_FLOAT64, {3, 0}, {0, 4}, kNN);
  check(KERAS_INT32, {3, 0}, {0, 4}, kNN);
  check(KERAS_FLOAT32, {0, 3}, {3, 4}, kNN);
}

TEST(Dot, IntegersWrapAndWiden) {
  const Array a(KERAS_INT8, {1, 2}, {100, 100}), b(KERAS_INT8, {2, 1}, {100, 100});
  EXPECT_EQ(run("dot_general", attributes_of(kNN), {a, b}, {Array(KERAS_INT32, {1, 1})})[0][0], 20000);
  EXPECT_EQ(run("dot_general", attributes_of(kNN), {a, b}, {Array(KERAS_INT8, {1, 1})})[0][0],
            32);  // 20000 mod 256
}

double activated(int64_t kind, double x, double alpha) {
  switch (kind) {
    case KERAS_ACT_RELU:
      return std::max(0.0, x);
    case KERAS_ACT_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case KERAS_ACT_TANH:
      return std::tanh(x);
    case KERAS_ACT_GELU:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case KERAS_ACT_GELU_TANH:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case KERAS_ACT_SILU:
      return x / (1 + std::exp(-x));
    case KERAS_ACT_ELU:
      return x > 0 ? x : alpha * std::expm1(x);
    case KERAS_ACT_LEAKY_RELU:
      return x > 0 ? x : alpha * x;
    case KERAS_ACT_RELU6:
      return std::min(6.0, std::max(0.0, x));
    case KERAS_ACT_HARD_SIGMOID:
      return std::min(1.0, std::max(0.0, x / 6 + 0.5));
    default:
      return x;
  }
}

TEST(Linear, EveryActivationWithAndWithoutBias) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
    for (int64_t kind = KERAS_ACT_LINEAR; kind <= KERAS_ACT_HARD_SIGMOID; ++kind) {
      for (bool biased : {false, true}) {
        const Array x = random(dtype, {3, 5, 6}, 3, -3, 3), w = random(dtype, {6, 19}, 4),
                    b = random(dtype, {19}, 5, -2, 2);
        Array expected =
            reference(cast(x, KERAS_FLOAT64), cast(w, KERAS_FLOAT64), {{2}, {0}, {}, {}}, KERAS_FLOAT64);
        for (int64_t i = 0; i < expected.size(); ++i) {
          expected[i] = activated(kind, expected[i] + (biased ? b[i % 19] : 0), 0.3);
        }
        ActivationAttributes attr{};
        attr.activation = kind;
        attr.alpha = 0.3;
        std::vector<Array> operands{x, w};
        if (biased) operands.push_back(b);
        const Outcome outcome = run("linear", attr, operands, {Array(dtype, {3, 5, 19})});
        ASSERT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
        // gelu cancels in the negative tail: absolute error there.
        expect_near(outcome[0], cast(expected, dtype), tolerance(dtype), tolerance(dtype) * 0.3,
                    "activation " + std::to_string(kind));
      }
    }
  }
}

TEST(Linear, ManyRowsInBlocks) {
  const Array x = random(KERAS_FLOAT32, {1100, 8}, 3), w = random(KERAS_FLOAT32, {8, 5}, 4),
              b = random(KERAS_FLOAT32, {5}, 5);
  Array expected = reference(x, w, kNN, KERAS_FLOAT64);
  for (int64_t i = 0; i < expected.size(); ++i) expected[i] = std::max(0.0, expected[i] + b[i % 5]);
  ActivationAttributes attr{};
  attr.activation = KERAS_ACT_RELU;
  expect_near(run("linear", attr, {x, w, b}, {Array(KERAS_FLOAT32, {1100, 5})})[0],
              cast(expected, KERAS_FLOAT32), 1e-5, 1e-6, "linear");
}

}  // namespace
}  // namespace keras::kernel_test
