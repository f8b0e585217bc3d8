// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

struct Case {
  std::vector<int64_t> in, window, strides, pad_low, pad_high;
  int64_t channels;
};

const std::vector<Case> kCases = {{{8, 8}, {2, 2}, {2, 2}, {0, 0}, {0, 0}, 32},
                                  {{9, 7}, {2, 2}, {2, 2}, {0, 0}, {1, 1}, 5},
                                  {{9, 7}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, 19},
                                  {{6, 6}, {3, 2}, {1, 1}, {1, 0}, {1, 1}, 1},
                                  {{11}, {3}, {3}, {0}, {0}, 7},
                                  {{11}, {4}, {2}, {1}, {2}, 16},
                                  {{5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {0, 1, 0}, {1, 1, 1}, 3},
                                  {{10, 4}, {2, 2}, {4, 4}, {1, 0}, {1, 0}, 4},
                                  {{4, 4, 4}, {2, 2, 2}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}, 17},
                                  {{7, 1}, {3, 1}, {3, 1}, {1, 0}, {1, 0}, 6}};

std::vector<int64_t> shape_of(const Case& c, bool out) {
  std::vector<int64_t> shape{3};
  for (size_t i = 0; i < c.in.size(); ++i) {
    shape.push_back(out ? (c.in[i] + c.pad_low[i] + c.pad_high[i] - c.window[i]) / c.strides[i] + 1
                        : c.in[i]);
  }
  shape.push_back(c.channels);
  return shape;
}

// f(y offset, list of x offsets) for every window.
template <class F>
void each_window(Case c, const F& f) {
  while (c.in.size() < 3) {
    c.in.insert(c.in.begin(), 1);
    c.window.insert(c.window.begin(), 1);
    c.strides.insert(c.strides.begin(), 1);
    c.pad_low.insert(c.pad_low.begin(), 0);
    c.pad_high.insert(c.pad_high.begin(), 0);
  }
  const auto out = shape_of(c, true);
  int64_t y = 0;
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t a = 0; a < out[1]; ++a)
      for (int64_t b = 0; b < out[2]; ++b)
        for (int64_t d = 0; d < out[3]; ++d)
          for (int64_t ch = 0; ch < c.channels; ++ch, ++y) {
            std::vector<int64_t> seen;
            for (int64_t i = 0; i < c.window[0]; ++i)
              for (int64_t j = 0; j < c.window[1]; ++j)
                for (int64_t k = 0; k < c.window[2]; ++k) {
                  const int64_t p = a * c.strides[0] + i - c.pad_low[0],
                                q = b * c.strides[1] + j - c.pad_low[1],
                                r = d * c.strides[2] + k - c.pad_low[2];
                  if (p < 0 || p >= c.in[0] || q < 0 || q >= c.in[1] || r < 0 || r >= c.in[2]) continue;
                  seen.push_back((((n * c.in[0] + p) * c.in[1] + q) * c.in[2] + r) * c.channels + ch);
                }
            f(y, seen);
          }
}

TEST(Pool, ForwardAndGradientAgainstLoops) {
  for (int32_t dtype :
       {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16, KERAS_INT32, KERAS_UINT8}) {
    for (int64_t kind : {KERAS_POOL_MAX, KERAS_POOL_AVERAGE}) {
      for (size_t i = 0; i < kCases.size(); ++i) {
        const Case& c = kCases[i];
        const bool integer = dtype < KERAS_FLOAT16;
        // Whole numbers: many ties, so that "the first largest" is tested.
        Array x = random(KERAS_INT32, shape_of(c, false), 1, integer ? 0 : -4, 4);
        x = cast(x, dtype);
        const Array dy = random(dtype, shape_of(c, true), 2);
        Array y(KERAS_FLOAT64, shape_of(c, true)), dx(KERAS_FLOAT64, shape_of(c, false));
        each_window(c, [&](int64_t at, const std::vector<int64_t>& seen) {
          ASSERT_FALSE(seen.empty());
          double sum = 0;
          int64_t first = seen[0];
          for (int64_t s : seen) {
            sum += x[s];
            if (x[s] > x[first]) first = s;
            if (kind == KERAS_POOL_AVERAGE) dx[s] += dy[at] / static_cast<double>(seen.size());
          }
          if (kind == KERAS_POOL_MAX) dx[first] += dy[at];
          y[at] = kind == KERAS_POOL_MAX ? x[first] : sum / static_cast<double>(seen.size());
        });
        PoolAttributes attr{};
        attr.kind = kind;
        attr.window = list(c.window);
        attr.strides = list(c.strides);
        attr.pad_low = list(c.pad_low);
        attr.pad_high = list(c.pad_high);
        const std::string what = "case " + std::to_string(i) + ", dtype " + std::to_string(dtype);
        const Outcome forward = run("pool", attr, {x}, {Array(dtype, y.shape)});
        ASSERT_EQ(forward.verdict, KERAS_NATIVE) << forward.message;
        expect_near(forward[0], cast(y, dtype), tolerance(dtype), tolerance(dtype), "pool " + what);
        if (integer) continue;
        const Outcome backward = run("pool_grad", attr, {x, forward[0], dy}, {Array(dtype, x.shape)});
        ASSERT_EQ(backward.verdict, KERAS_NATIVE) << backward.message;
        expect_near(backward[0], cast(dx, dtype), tolerance(dtype), tolerance(dtype) * 2,
                    "pool_grad " + what);
      }
    }
  }
}

TEST(Pool, LowestNumbersAreFound) {
  PoolAttributes attr{};
  attr.kind = KERAS_POOL_MAX;
  attr.window = attr.strides = list({2});
  attr.pad_low = attr.pad_high = list({0});
  const double infinity = std::numeric_limits<double>::infinity();
  const Array x(KERAS_FLOAT32, {1, 4, 1}, {-infinity, -infinity, -1e38, -2e38});
  const Array y = run("pool", attr, {x}, {Array(KERAS_FLOAT32, {1, 2, 1})})[0];
  EXPECT_EQ(y[0], -infinity);
  EXPECT_FLOAT_EQ(static_cast<float>(y[1]), -1e38f);
}

}  // namespace
}  // namespace keras::kernel_test
