// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

struct Case {
  std::vector<int64_t> in, kernel;  // spatial extents
  int64_t in_channels, out_channels;
  std::vector<int64_t> strides, pad_low, pad_high, dilations;
  int64_t groups = 1;
  int64_t batch = 2;
};

std::vector<int64_t> out_extents(const Case& c) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < c.in.size(); ++i) {
    const int64_t reach = (c.kernel[i] - 1) * c.dilations[i] + 1;
    out.push_back((c.in[i] + c.pad_low[i] + c.pad_high[i] - reach) / c.strides[i] + 1);
  }
  return out;
}

std::vector<int64_t> shape_of(int64_t first, const std::vector<int64_t>& spatial, int64_t last) {
  std::vector<int64_t> shape{first};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  shape.push_back(last);
  return shape;
}
std::vector<int64_t> x_shape(const Case& c) { return shape_of(c.batch, c.in, c.in_channels); }
std::vector<int64_t> y_shape(const Case& c) { return shape_of(c.batch, out_extents(c), c.out_channels); }
std::vector<int64_t> w_shape(const Case& c) {
  std::vector<int64_t> shape = c.kernel;
  shape.push_back(c.in_channels / c.groups);
  shape.push_back(c.out_channels);
  return shape;
}

ConvAttributes attributes_of(const Case& c) {
  ConvAttributes attr{};
  attr.strides = list(c.strides);
  attr.pad_low = list(c.pad_low);
  attr.pad_high = list(c.pad_high);
  attr.dilations = list(c.dilations);
  attr.groups = c.groups;
  attr.input_shape = list(x_shape(c));
  attr.filter_shape = list(w_shape(c));
  return attr;
}

// Calls f(x offset, w offset, y offset) for every product of the convolution.
template <class F>
void each_product(const Case& original, const F& f) {
  Case c = original;
  while (c.in.size() < 3) {
    c.in.insert(c.in.begin(), 1);
    c.kernel.insert(c.kernel.begin(), 1);
    c.strides.insert(c.strides.begin(), 1);
    c.dilations.insert(c.dilations.begin(), 1);
    c.pad_low.insert(c.pad_low.begin(), 0);
    c.pad_high.insert(c.pad_high.begin(), 0);
  }
  const auto out = out_extents(c);
  const int64_t ic = c.in_channels / c.groups, oc = c.out_channels / c.groups;
  std::array<int64_t, 3> o, k;
  for (int64_t n = 0; n < c.batch; ++n)
    for (o[0] = 0; o[0] < out[0]; ++o[0])
      for (o[1] = 0; o[1] < out[1]; ++o[1])
        for (o[2] = 0; o[2] < out[2]; ++o[2])
          for (k[0] = 0; k[0] < c.kernel[0]; ++k[0])
            for (k[1] = 0; k[1] < c.kernel[1]; ++k[1])
              for (k[2] = 0; k[2] < c.kernel[2]; ++k[2]) {
                int64_t pixel = n, out_pixel = n, tap = 0;
                bool inside = true;
                for (int a = 0; a < 3; ++a) {
                  const int64_t i = o[a] * c.strides[a] + k[a] * c.dilations[a] - c.pad_low[a];
                  inside = inside && i >= 0 && i < c.in[a];
                  pixel = pixel * c.in[a] + i;
                  out_pixel = out_pixel * out[a] + o[a];
                  tap = tap * c.kernel[a] + k[a];
                }
                if (!inside) continue;
                for (int64_t j = 0; j < c.out_channels; ++j)
                  for (int64_t i = 0; i < ic; ++i)
                    f(pixel * c.in_channels + j / oc * ic + i, (tap * ic + i) * c.out_channels + j,
                      out_pixel * c.out_channels + j);
              }
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{9, 11}, {3, 3}, 16, 32, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{7, 8}, {3, 3}, 16, 16, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{7, 8}, {3, 2}, 16, 16, {1, 1}, {2, 0}, {0, 1}, {1, 1}},
      {{7, 5, 6}, {2, 3, 3}, 16, 16, {1, 1, 1}, {0, 1, 2}, {1, 0, 1}, {1, 1, 1}},
      {{9, 11}, {3, 3}, 1, 8, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {{10, 9}, {3, 3}, 3, 5, {2, 2}, {0, 1}, {1, 1}, {1, 1}},   // asymmetric
      {{8, 8}, {2, 2}, 4, 6, {2, 2}, {0, 0}, {1, 1}, {1, 1}},    // an even kernel, padding at the end
      {{13, 12}, {3, 2}, 5, 7, {1, 1}, {2, 1}, {2, 2}, {2, 3}},  // dilated
      {{7, 7}, {1, 1}, 16, 48, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {{7, 7}, {1, 1}, 16, 8, {2, 2}, {0, 0}, {0, 0}, {1, 1}},
      {{12, 10}, {5, 3}, 8, 12, {3, 2}, {2, 1}, {1, 0}, {1, 1}, 4},  // groups
      {{9, 9}, {3, 3}, 16, 16, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 16},  // depthwise
      {{9, 9}, {3, 3}, 6, 12, {2, 2}, {0, 0}, {1, 1}, {1, 1}, 6},    // depthwise with multiplier 2
      {{9, 9}, {3, 3}, 5, 5, {1, 1}, {2, 2}, {2, 2}, {2, 2}, 5},     // dilated depthwise
      {{17}, {3}, 4, 6, {1}, {2}, {0}, {1}},                         // causal, one axis
      {{17}, {4}, 16, 16, {2}, {1}, {2}, {1}},
      {{20}, {3}, 3, 4, {1}, {4}, {0}, {2}},
      {{6, 7, 5}, {3, 2, 3}, 4, 8, {1, 1, 1}, {1, 0, 1}, {1, 1, 1}, {1, 1, 1}},
      {{7, 8, 6}, {3, 3, 2}, 3, 5, {2, 1, 2}, {0, 1, 0}, {1, 1, 0}, {1, 1, 1}},
      {{8, 8}, {3, 3}, 8, 8, {3, 3}, {0, 0}, {0, 0}, {1, 1}},        // the last column is never read
      {{5, 5}, {3, 3}, 2, 3, {1, 1}, {4, 4}, {3, 3}, {1, 1}},        // windows of padding alone
      {{9, 9}, {3, 3}, 4, 4, {1, 1}, {-1, 0}, {0, -2}, {1, 1}},      // cropping
      {{6, 6}, {3, 3}, 4, 4, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1, 0},  // an empty batch
  };
  return all;
}

std::string name_of(size_t i, int32_t dtype) {
  return "case " + std::to_string(i) + ", dtype " + std::to_string(dtype);
}

TEST(Conv, ForwardAndGradientsAgainstLoops) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16, KERAS_INT32}) {
    const bool integer = dtype == KERAS_INT32;
    for (size_t i = 0; i < cases().size(); ++i) {
      const Case& c = cases()[i];
      const double low = integer ? -3 : -1, high = integer ? 4 : 1;
      const Array x = random(dtype, x_shape(c), 1, low, high), w = random(dtype, w_shape(c), 2, low, high),
                  dy = random(dtype, y_shape(c), 3, low, high);
      Array y(KERAS_FLOAT64, y_shape(c)), dx(KERAS_FLOAT64, x_shape(c)), dw(KERAS_FLOAT64, w_shape(c));
      each_product(c, [&](int64_t xi, int64_t wi, int64_t yi) {
        y[yi] += x[xi] * w[wi];
        dx[xi] += dy[yi] * w[wi];
        dw[wi] += dy[yi] * x[xi];
      });
      const ConvAttributes attr = attributes_of(c);
      const double tol = tolerance(dtype);
      const Outcome forward = run("conv", attr, {x, w}, {Array(dtype, y_shape(c))});
      ASSERT_EQ(forward.status, KERAS_OK) << forward.message;
      expect_near(forward[0], cast(y, dtype), tol, tol * 3, "conv, " + name_of(i, dtype));
      const Outcome input = run("conv_grad_input", attr, {dy, w}, {Array(dtype, x_shape(c))});
      ASSERT_EQ(input.status, KERAS_OK) << input.message;
      expect_near(input[0], cast(dx, dtype), tol, tol * 3, "conv_grad_input, " + name_of(i, dtype));
      const Outcome filter = run("conv_grad_filter", attr, {x, dy}, {Array(dtype, w_shape(c))});
      ASSERT_EQ(filter.status, KERAS_OK) << filter.message;
      expect_near(filter[0], cast(dw, dtype), tol, tol * 5, "conv_grad_filter, " + name_of(i, dtype));
    }
  }
}

// A transposed convolution with output padding: the result is larger than what conv would take from it.
// Large batches are taken a few samples at a time: sample by sample it is the same.
TEST(Conv, GradientsOfLargeBatches) {
  Case all{{40, 40}, {3, 3}, 32, 64, {1, 1}, {1, 0}, {0, 1}, {1, 1}, 1, 6};
  Case one = all;
  one.batch = 1;
  const Array x = random(KERAS_FLOAT32, x_shape(all), 1), w = random(KERAS_FLOAT32, w_shape(all), 2),
              dy = random(KERAS_FLOAT32, y_shape(all), 3);
  const Array dx =
      run("conv_grad_input", attributes_of(all), {dy, w}, {Array(KERAS_FLOAT32, x_shape(all))})[0];
  const Array dw =
      run("conv_grad_filter", attributes_of(all), {x, dy}, {Array(KERAS_FLOAT32, w_shape(all))})[0];
  Array each_dx(KERAS_FLOAT32, x_shape(all)), sum_dw(KERAS_FLOAT32, w_shape(all));
  const auto sample = [&](const Array& from, std::vector<int64_t> shape, int64_t n) {
    Array part(KERAS_FLOAT32, std::move(shape));
    for (int64_t i = 0; i < part.size(); ++i) part[i] = from[n * part.size() + i];
    return part;
  };
  for (int64_t n = 0; n < all.batch; ++n) {
    const Array one_x = sample(x, x_shape(one), n), one_dy = sample(dy, y_shape(one), n);
    const Array one_dx =
        run("conv_grad_input", attributes_of(one), {one_dy, w}, {Array(KERAS_FLOAT32, x_shape(one))})[0];
    const Array one_dw =
        run("conv_grad_filter", attributes_of(one), {one_x, one_dy}, {Array(KERAS_FLOAT32, w_shape(one))})[0];
    for (int64_t i = 0; i < one_dx.size(); ++i) each_dx[n * one_dx.size() + i] = one_dx[i];
    for (int64_t i = 0; i < one_dw.size(); ++i) sum_dw[i] += one_dw[i];
  }
  expect_near(dx, each_dx, 1e-5, 1e-4, "dx");
  expect_near(dw, sum_dw, 1e-5, 2e-3, "dw");
  const Array again =
      run("conv_grad_filter", attributes_of(all), {x, dy}, {Array(KERAS_FLOAT32, w_shape(all))})[0];
  for (int64_t i = 0; i < dw.size(); ++i) ASSERT_EQ(again[i], dw[i]);
}

TEST(Conv, GradientOfInputLargerThanNeeded) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64}) {
    Case c{{9, 9}, {3, 3}, 4, 6, {2, 2}, {0, 0}, {0, 0}, {1, 1}};  // y is 4 x 4
    const Array w = random(dtype, w_shape(c), 2), dy = random(dtype, y_shape(c), 3);
    Array dx(KERAS_FLOAT64, x_shape(c));
    each_product(c, [&](int64_t xi, int64_t wi, int64_t yi) { dx[xi] += dy[yi] * w[wi]; });
    c.in = {12, 10};
    const Outcome outcome = run("conv_grad_input", attributes_of(c), {dy, w}, {Array(dtype, x_shape(c))});
    ASSERT_EQ(outcome.status, KERAS_OK) << outcome.message;
    Array larger(KERAS_FLOAT64, x_shape(c));
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t h = 0; h < 9; ++h)
        for (int64_t v = 0; v < 9 * 4; ++v)
          larger[((n * 12 + h) * 10) * 4 + v] = dx[((n * 9 + h) * 9) * 4 + v];
    expect_near(outcome[0], cast(larger, dtype), 1e-5, 1e-5, "output padding");
  }
}

TEST(Conv, BiasAndActivation) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
    for (size_t i : {0, 2, 8, 11, 14, 17}) {
      const Case& c = cases()[i];
      for (int64_t kind : {KERAS_ACT_LINEAR, KERAS_ACT_RELU, KERAS_ACT_LEAKY_RELU, KERAS_ACT_TANH}) {
        const Array x = random(dtype, x_shape(c), 1), w = random(dtype, w_shape(c), 2),
                    b = random(dtype, {c.out_channels}, 4);
        Array y(KERAS_FLOAT64, y_shape(c));
        each_product(c, [&](int64_t xi, int64_t wi, int64_t yi) { y[yi] += x[xi] * w[wi]; });
        for (int64_t j = 0; j < y.size(); ++j) {
          const double v = y[j] + b[j % c.out_channels];
          y[j] = kind == KERAS_ACT_RELU                  ? std::max(0.0, v)
                 : kind == KERAS_ACT_TANH                ? std::tanh(v)
                 : kind == KERAS_ACT_LEAKY_RELU && v < 0 ? 0.2 * v
                                                         : v;
        }
        const ConvAttributes plain = attributes_of(c);
        ConvActivationAttributes attr{};
        attr.strides = plain.strides;
        attr.pad_low = plain.pad_low;
        attr.pad_high = plain.pad_high;
        attr.dilations = plain.dilations;
        attr.groups = plain.groups;
        attr.activation = kind;
        attr.alpha = 0.2;
        const Outcome outcome = run("conv_bias_act", attr, {x, w, b}, {Array(dtype, y_shape(c))});
        ASSERT_EQ(outcome.status, KERAS_OK) << outcome.message;
        expect_near(outcome[0], cast(y, dtype), tolerance(dtype), tolerance(dtype) * 3,
                    "conv_bias_act, " + name_of(i, dtype));
      }
    }
  }
}

}  // namespace
}  // namespace keras::kernel_test
