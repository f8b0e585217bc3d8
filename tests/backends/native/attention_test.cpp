// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "backends/native/harness.h"
#include "keras/base/philox.h"

namespace keras::kernel_test {
namespace {

struct Case {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  std::vector<int64_t> bias;  // its shape; empty: none
  double dropout = 0;
};

const std::vector<Case> kCases = {
    {2, 5, 7, 3, 4, false, {}},           {2, 6, 6, 2, 8, true, {}},
    {2, 5, 7, 3, 4, false, {2, 3, 5, 7}}, {2, 5, 7, 3, 4, true, {2, 1, 1, 7}},
    {2, 5, 7, 3, 4, false, {5, 7}},       {1, 3, 2, 1, 5, true, {1, 1, 3, 1}},
    {1, 300, 290, 2, 8, true, {}},        {3, 40, 33, 2, 16, false, {3, 1, 1, 33}},
    {2, 5, 7, 3, 4, false, {}, 0.3},      {2, 6, 5, 2, 4, true, {2, 1, 1, 5}, 0.5}};

std::vector<Array> operands_of(const Case& c, int32_t dtype) {
  std::vector<Array> o{random(dtype, {c.batch, c.queries, c.heads, c.width}, 1, -2, 2),
                       random(dtype, {c.batch, c.keys, c.heads, c.width}, 2, -2, 2),
                       random(dtype, {c.batch, c.keys, c.heads, c.width}, 3)};
  if (!c.bias.empty()) o.push_back(random(dtype, c.bias, 4, -2, 2));
  if (c.dropout > 0) o.push_back(Array(KERAS_UINT32, {2}, {1234, 5}));
  return o;
}

// What the weights (B, N, T, S) are multiplied with.
std::vector<double> factors(const Case& c) {
  std::vector<double> result(static_cast<size_t>(c.batch * c.heads * c.queries * c.keys), 1.0);
  if (c.dropout == 0) return result;
  std::vector<uint32_t> words(result.size());
  Philox(1234, 5).fill(0, std::span<uint32_t>(words));
  for (size_t i = 0; i < words.size(); ++i)
    result[i] = words[i] >= c.dropout * 4294967296.0 ? 1 / (1 - c.dropout) : 0;
  return result;
}

AttentionAttributes attributes_of(const Case& c) {
  AttentionAttributes attr{};
  attr.scale = 0.4;
  attr.causal = c.causal;
  attr.has_bias = !c.bias.empty();
  attr.dropout_rate = c.dropout;
  return attr;
}

Array reference(const Case& c, const std::vector<Array>& o) {
  Array y(KERAS_FLOAT64, o[0].shape);
  const std::vector<double> kept = factors(c);
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t n = 0; n < c.heads; ++n)
      for (int64_t t = 0; t < c.queries; ++t) {
        double total = 0;
        std::vector<double> weights(c.keys, 0.0);
        const auto at = [&](int64_t length, int64_t i, int64_t h) {
          return ((b * length + i) * c.heads + n) * c.width + h;
        };
        for (int64_t s = 0; s < (c.causal ? std::min(c.keys, t + 1) : c.keys); ++s) {
          double logit = 0;
          for (int64_t h = 0; h < c.width; ++h)
            logit += 0.4 * o[0][at(c.queries, t, h)] * o[1][at(c.keys, s, h)];
          if (!c.bias.empty()) {
            const int64_t index[4] = {b, n, t, s};
            int64_t offset = 0;
            for (size_t a = 0; a < c.bias.size(); ++a) {
              offset = offset * c.bias[a] + (c.bias[a] == 1 ? 0 : index[4 - c.bias.size() + a]);
            }
            logit += o[3][offset];
          }
          total += weights[s] = std::exp(logit);
        }
        for (int64_t s = 0; s < c.keys; ++s)
          for (int64_t h = 0; h < c.width; ++h)
            y[at(c.queries, t, h)] +=
                kept[static_cast<size_t>(((b * c.heads + n) * c.queries + t) * c.keys + s)] * weights[s] /
                total * o[2][at(c.keys, s, h)];
      }
  return y;
}

std::vector<Array> gradients(const Case& c, const std::vector<Array>& operands, const Array& dy) {
  std::vector<Tensor> tensors;
  for (const Array& o : operands) tensors.push_back(upload(o));
  const Outcome forward = run("attention", attributes_of(c), tensors, {dy}, true);
  EXPECT_EQ(forward.status, KERAS_OK) << forward.message;
  tensors.push_back(forward.outputs[0]);
  tensors.push_back(upload(dy));
  tensors.insert(tensors.end(), forward.residuals.begin(), forward.residuals.end());
  const size_t results = operands.size() - (c.dropout > 0 ? 1 : 0);
  const Outcome outcome =
      run("attention_grad", attributes_of(c), tensors,
          std::vector<Array>(operands.begin(), operands.begin() + static_cast<int64_t>(results)));
  EXPECT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
  std::vector<Array> arrays;
  for (const Tensor& t : outcome.outputs) arrays.push_back(download(t));
  return arrays;
}

TEST(Attention, ForwardAgainstTheDefinition) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16}) {
    for (const Case& c : kCases) {
      const auto operands = operands_of(c, dtype);
      const Array expected = cast(reference(c, operands), dtype);
      const Outcome outcome = run("attention", attributes_of(c), operands, {expected});
      ASSERT_EQ(outcome.verdict, KERAS_NATIVE) << outcome.message;
      expect_near(outcome[0], expected, tolerance(dtype), tolerance(dtype), "attention");
    }
  }
}

TEST(Attention, GradientsByFiniteDifferences) {
  for (const Case& c : kCases) {
    const auto operands = operands_of(c, KERAS_FLOAT64);
    const Array dy = random(KERAS_FLOAT64, operands[0].shape, 9);
    const auto gradient = gradients(c, operands, dy);
    const bool large = c.queries > 100;  // the naive reference is slow there: the kernel's own forward serves
    for (size_t i = 0; i < gradient.size(); ++i) {
      const auto loss = [&](const Array& v) {
        auto moved = operands;
        moved[i] = v;
        return dot(large ? run("attention", attributes_of(c), moved, {dy})[0] : reference(c, moved), dy);
      };
      expect_gradient(loss, operands[i], gradient[i], "attention operand " + std::to_string(i));
    }
    std::vector<Array> single;
    for (const Array& o : operands) single.push_back(o.dtype == KERAS_UINT32 ? o : cast(o, KERAS_FLOAT32));
    const auto narrow = gradients(c, single, cast(dy, KERAS_FLOAT32));
    for (size_t i = 0; i < narrow.size(); ++i)
      expect_near(narrow[i], cast(gradient[i], KERAS_FLOAT32), 1e-4, 2e-5, "float32");
  }
}

}  // namespace
}  // namespace keras::kernel_test
