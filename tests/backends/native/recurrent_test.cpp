// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

struct Case {
  int64_t batch, steps, features, units;
  bool reverse, masked, reset_after;
  int64_t activation = KERAS_ACT_TANH, recurrent_activation = KERAS_ACT_SIGMOID;
};

const std::vector<Case> kCases = {{2, 4, 3, 5, false, false, true},
                                  {3, 5, 2, 4, true, false, true},
                                  {2, 6, 3, 17, false, true, true},
                                  {3, 5, 4, 4, true, true, true},
                                  {2, 4, 3, 5, false, false, false},
                                  {3, 6, 2, 19, true, true, false},
                                  {1, 1, 1, 1, false, false, true},
                                  {2, 4, 3, 3, false, false, true, KERAS_ACT_RELU, KERAS_ACT_HARD_SIGMOID},
                                  {40, 3, 8, 33, false, false, false},
                                  {37, 4, 2, 3, true, true, true}};

double act(int64_t kind, double x) {
  switch (kind) {
    case KERAS_ACT_RELU:
      return std::max(0.0, x);
    case KERAS_ACT_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case KERAS_ACT_TANH:
      return std::tanh(x);
    case KERAS_ACT_HARD_SIGMOID:
      return std::clamp(x / 6 + 0.5, 0.0, 1.0);
    default:
      return x;
  }
}

RecurrentAttributes attributes_of(const Case& c) {
  RecurrentAttributes attr{};
  attr.activation = c.activation;
  attr.recurrent_activation = c.recurrent_activation;
  attr.reverse = c.reverse;
  attr.reset_after = c.reset_after;
  return attr;
}

// Masked from the first step on in row 0, in the middle elsewhere; the last row whole.
Array mask_of(const Case& c) {
  Array mask(KERAS_BOOL, {c.batch, c.steps});
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t t = 0; t < c.steps; ++t) {
      mask[b * c.steps + t] = b + 1 == c.batch ? 1 : b == 0 ? t >= 2 && t != 3 : (t + b) % 3 != 1;
    }
  }
  return mask;
}

// One step of a cell for one row: z = pre-activations without the recurrent part.
struct State {
  std::vector<double> h, c;
};

using Operands = std::vector<Array>;

Operands lstm_operands(const Case& c, int32_t dtype) {
  Operands o{random(dtype, {c.batch, c.steps, c.features}, 1),
             random(dtype, {c.batch, c.units}, 2),
             random(dtype, {c.batch, c.units}, 3),
             random(dtype, {c.features, 4 * c.units}, 4),
             random(dtype, {c.units, 4 * c.units}, 5, -0.5, 0.5),
             random(dtype, {4 * c.units}, 6)};
  if (c.masked) o.push_back(mask_of(c));
  return o;
}

Operands gru_operands(const Case& c, int32_t dtype) {
  Operands o{random(dtype, {c.batch, c.steps, c.features}, 1), random(dtype, {c.batch, c.units}, 2),
             random(dtype, {c.features, 3 * c.units}, 4), random(dtype, {c.units, 3 * c.units}, 5, -0.5, 0.5),
             c.reset_after ? random(dtype, {2, 3 * c.units}, 6) : random(dtype, {3 * c.units}, 6)};
  if (c.masked) o.push_back(mask_of(c));
  return o;
}

// The steps of row b in the order taken; advance(t, state) gives the next state. Writes outputs and last
// states.
template <class F>
void walk(const Case& c, const Array* mask, int64_t b, State state, Array& y, Array& last_h, Array* last_c,
          const F& advance) {
  std::vector<double> output(c.units, 0.0);
  for (int64_t k = 0; k < c.steps; ++k) {
    const int64_t t = c.reverse ? c.steps - 1 - k : k;
    if (!mask || (*mask)[b * c.steps + t] != 0) {
      state = advance(t, state);
      output = state.h;
    }
    for (int64_t u = 0; u < c.units; ++u) y[(b * c.steps + t) * c.units + u] = output[u];
  }
  for (int64_t u = 0; u < c.units; ++u) {
    last_h[b * c.units + u] = state.h[u];
    if (last_c) (*last_c)[b * c.units + u] = state.c[u];
  }
}

double product(const Array& w, int64_t columns, int64_t column, const double* v, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += v[i] * w[i * columns + column];
  return sum;
}

std::vector<Array> lstm_reference(const Case& c, const Operands& o) {
  const int64_t n = c.units;
  Array y(KERAS_FLOAT64, {c.batch, c.steps, n}), h(KERAS_FLOAT64, {c.batch, n}), cell = h;
  for (int64_t b = 0; b < c.batch; ++b) {
    State start;
    for (int64_t u = 0; u < n; ++u) {
      start.h.push_back(o[1][b * n + u]);
      start.c.push_back(o[2][b * n + u]);
    }
    walk(c, c.masked ? &o[6] : nullptr, b, start, y, h, &cell, [&](int64_t t, const State& s) {
      State next = s;
      for (int64_t u = 0; u < n; ++u) {
        double z[4];
        for (int64_t g = 0; g < 4; ++g) {
          z[g] = o[5][g * n + u] +
                 product(o[3], 4 * n, g * n + u, &o[0].values[(b * c.steps + t) * c.features], c.features) +
                 product(o[4], 4 * n, g * n + u, s.h.data(), n);
        }
        next.c[u] = act(c.recurrent_activation, z[1]) * s.c[u] +
                    act(c.recurrent_activation, z[0]) * act(c.activation, z[2]);
        next.h[u] = act(c.recurrent_activation, z[3]) * act(c.activation, next.c[u]);
      }
      return next;
    });
  }
  return {y, h, cell};
}

std::vector<Array> gru_reference(const Case& c, const Operands& o) {
  const int64_t n = c.units;
  Array y(KERAS_FLOAT64, {c.batch, c.steps, n}), h(KERAS_FLOAT64, {c.batch, n});
  for (int64_t b = 0; b < c.batch; ++b) {
    State start;
    for (int64_t u = 0; u < n; ++u) start.h.push_back(o[1][b * n + u]);
    walk(c, c.masked ? &o[5] : nullptr, b, start, y, h, nullptr, [&](int64_t t, const State& s) {
      const double* const x = &o[0].values[(b * c.steps + t) * c.features];
      std::vector<double> z(n), r(n), reset(n);
      for (int64_t u = 0; u < n; ++u) {
        const double bz = c.reset_after ? o[4][3 * n + u] : 0, br = c.reset_after ? o[4][4 * n + u] : 0;
        z[u] = act(c.recurrent_activation, product(o[2], 3 * n, u, x, c.features) + o[4][u] + bz +
                                               product(o[3], 3 * n, u, s.h.data(), n));
        r[u] = act(c.recurrent_activation, product(o[2], 3 * n, n + u, x, c.features) + o[4][n + u] + br +
                                               product(o[3], 3 * n, n + u, s.h.data(), n));
        reset[u] = r[u] * s.h[u];
      }
      State next = s;
      for (int64_t u = 0; u < n; ++u) {
        const double from_x = product(o[2], 3 * n, 2 * n + u, x, c.features) + o[4][2 * n + u];
        const double from_h = c.reset_after
                                  ? r[u] * (product(o[3], 3 * n, 2 * n + u, s.h.data(), n) + o[4][5 * n + u])
                                  : product(o[3], 3 * n, 2 * n + u, reset.data(), n);
        next.h[u] = z[u] * s.h[u] + (1 - z[u]) * act(c.activation, from_x + from_h);
      }
      return next;
    });
  }
  return {y, h};
}

std::vector<Array> as_dtype(std::vector<Array> arrays, int32_t dtype) {
  for (Array& array : arrays) array = cast(array, dtype);
  return arrays;
}

std::vector<Tensor> uploaded(const Operands& operands) {
  std::vector<Tensor> tensors;
  for (const Array& operand : operands) tensors.push_back(upload(operand));
  return tensors;
}

struct Net {
  const char *name, *gradient;
  Operands (*operands)(const Case&, int32_t);
  std::vector<Array> (*reference)(const Case&, const Operands&);
  size_t inputs;  // without a mask
};
const Net kNets[] = {{"lstm", "lstm_grad", lstm_operands, lstm_reference, 6},
                     {"gru", "gru_grad", gru_operands, gru_reference, 5}};

std::vector<Array> gradients(const Net& net, const Case& c, const Operands& operands,
                             const std::vector<Array>& weights) {
  const std::vector<Tensor> tensors = uploaded(operands);
  const Outcome forward = run(net.name, attributes_of(c), tensors, weights, true);
  EXPECT_EQ(forward.status, KERAS_OK) << forward.message;
  std::vector<Tensor> all = tensors;
  for (const Array& w : weights) all.push_back(upload(w));
  all.insert(all.end(), forward.residuals.begin(), forward.residuals.end());
  const Operands results(operands.begin(), operands.begin() + static_cast<int64_t>(net.inputs));
  const Outcome outcome = run(net.gradient, attributes_of(c), all, results);
  EXPECT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
  EXPECT_EQ(outcome.status, KERAS_OK) << outcome.message;
  std::vector<Array> arrays;
  for (const Tensor& t : outcome.outputs) arrays.push_back(download(t));
  return arrays;
}

TEST(Recurrent, ForwardAgainstTheCell) {
  for (const Net& net : kNets) {
    for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
      for (const Case& c : kCases) {
        const Operands operands = net.operands(c, dtype);
        const std::vector<Array> expected = as_dtype(net.reference(c, operands), dtype);
        for (bool residuals : {false, true}) {
          const Outcome outcome = run(net.name, attributes_of(c), operands, expected, residuals);
          ASSERT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
          for (size_t i = 0; i < expected.size(); ++i) {
            expect_near(outcome[i], expected[i], tolerance(dtype), tolerance(dtype),
                        std::string(net.name) + " result " + std::to_string(i));
          }
        }
      }
    }
  }
}

TEST(Recurrent, GradientsByFiniteDifferences) {
  for (const Net& net : kNets) {
    for (const Case& c : kCases) {
      const Operands operands = net.operands(c, KERAS_FLOAT64);
      std::vector<Array> weights = net.reference(c, operands);
      for (size_t i = 0; i < weights.size(); ++i)
        weights[i] = random(KERAS_FLOAT64, weights[i].shape, static_cast<uint32_t>(20 + i));
      const std::vector<Array> gradient = gradients(net, c, operands, weights);
      for (size_t i = 0; i < net.inputs; ++i) {
        const auto loss = [&](const Array& v) {
          Operands moved = operands;
          moved[i] = v;
          const std::vector<Array> y = net.reference(c, moved);
          double sum = 0;
          for (size_t r = 0; r < y.size(); ++r) sum += dot(y[r], weights[r]);
          return sum;
        };
        expect_gradient(loss, operands[i], gradient[i],
                        std::string(net.gradient) + " operand " + std::to_string(i));
      }
      // And in float32, which goes through other vector code.
      Operands single = as_dtype(operands, KERAS_FLOAT32);
      if (c.masked) single.back() = operands.back();
      const std::vector<Array> narrow = gradients(net, c, single, as_dtype(weights, KERAS_FLOAT32));
      for (size_t i = 0; i < net.inputs; ++i) {
        expect_near(narrow[i], cast(gradient[i], KERAS_FLOAT32), 1e-4, 1e-4, "float32");
      }
    }
  }
}

TEST(Recurrent, ActivationsWithoutASlopeFromTheirResultAreComposed) {
  Case c = kCases[0];
  c.activation = KERAS_ACT_GELU;
  const Operands operands = lstm_operands(c, KERAS_FLOAT32);
  EXPECT_EQ(run("lstm", attributes_of(c), operands, lstm_reference(c, operands)).verdict, KERAS_COMPOSED);
}

}  // namespace
}  // namespace keras::kernel_test
