// SPDX-License-Identifier: Apache-2.0
// ctc_loss and ctc_decode against the sum over all alignments, written out. Keras' own values are compared in
// golden_test.cpp.
#include "keras/ops/ctc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras {
namespace {

constexpr int64_t kSteps = 4, kClasses = 3;

// Logits of one sample without structure.
std::vector<double> logits(int seed) {
  std::vector<double> out;
  for (int i = 0; i < kSteps * kClasses; ++i) out.push_back(2 * std::sin(1.7 * i + seed));
  return out;
}

// The probability of every labelling: each of the classes^steps alignments counts for the labels that remain
// when repetitions and then blanks are taken out.
std::map<std::vector<int32_t>, double> labellings(const std::vector<double>& x, int32_t blank) {
  std::vector<double> p(x.size());
  for (size_t t = 0; t < kSteps; ++t) {
    double sum = 0;
    for (size_t c = 0; c < kClasses; ++c) sum += std::exp(x[t * kClasses + c]);
    for (size_t c = 0; c < kClasses; ++c) p[t * kClasses + c] = std::exp(x[t * kClasses + c]) / sum;
  }
  std::map<std::vector<int32_t>, double> out;
  for (int code = 0; code < 81; ++code) {
    std::vector<int32_t> labels;
    double probability = 1;
    int32_t previous = -1;
    int rest = code;
    for (size_t t = 0; t < kSteps; ++t, rest /= 3) {
      const int32_t c = rest % 3;
      probability *= p[t * kClasses + static_cast<size_t>(c)];
      if (c != blank && c != previous) labels.push_back(c);
      previous = c;
    }
    out[labels] += probability;
  }
  return out;
}

Tensor sample(const std::vector<double>& x) { return Tensor::from(x, Shape{1, kSteps, kClasses}); }
Tensor ints(std::vector<int32_t> values, const Shape& shape) { return Tensor::from(values, shape); }
Tensor one(int32_t value) { return ints({value}, {1}); }

TEST(CtcLoss, SumsOverAllAlignments) {
  for (const int32_t blank : {0, 1, 2}) {
    const auto x = logits(blank);
    for (const auto& [labels, probability] : labellings(x, blank)) {
      auto padded = labels;
      padded.resize(5, blank);
      const Tensor loss = ops::ctc_loss(ints(padded, {1, 5}), sample(x),
                                        one(static_cast<int32_t>(labels.size())), one(kSteps), blank);
      EXPECT_NEAR(loss.item<double>(), -std::log(probability), 1e-9);
    }
  }
}

TEST(CtcLoss, StopsAtTheLengths) {
  // The first three steps of a longer sample are a sample of three steps.
  const auto x = logits(1);
  const Tensor labels = ints({1, 2}, {1, 2});
  const double whole = ops::ctc_loss(labels, sample(x)[{all, Slice({}, 3)}], one(2), one(3)).item<double>();
  EXPECT_NEAR(ops::ctc_loss(labels, sample(x), one(2), one(3)).item<double>(), whole, 1e-12);
  // No labels: blanks only.
  double blanks = 0;
  const auto p = ops::log_softmax(sample(x), -1).to_vector<double>();
  for (size_t t = 0; t < kSteps; ++t) blanks -= p[t * kClasses];
  EXPECT_NEAR(ops::ctc_loss(labels, sample(x), one(0), one(kSteps)).item<double>(), blanks, 1e-9);
  EXPECT_NEAR(ops::ctc_loss(ops::zeros({1, 0}), sample(x), one(0), one(kSteps)).item<double>(), blanks, 1e-9);
}

TEST(CtcLoss, IsInfiniteWhereLabelsDoNotFit) {
  // Equal labels need a blank between them: five steps.
  const Tensor loss = ops::ctc_loss(ints({1, 1, 1}, {1, 3}), sample(logits(2)), one(3), one(kSteps));
  EXPECT_EQ(loss.item<double>(), INFINITY);
}

TEST(CtcLoss, HasTheGradientOfItsDifferences) {
  auto x = logits(3);
  const Tensor labels = ints({2, 1}, {1, 2});
  const Tensor input = sample(x);
  GradientTape tape;
  tape.watch(input);
  const Tensor loss = ops::sum(ops::ctc_loss(labels, input, one(2), one(kSteps)));
  const auto gradient = tape.gradient(loss, input).to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    const auto at = [&](double value) {
      x[i] = value;
      return ops::ctc_loss(labels, sample(x), one(2), one(kSteps)).item<double>();
    };
    const double slope = (at(kept + 1e-5) - at(kept - 1e-5)) / 2e-5;
    x[i] = kept;
    EXPECT_NEAR(gradient[i], slope, 1e-7);
  }
}

TEST(CtcDecode, AWideBeamFindsTheMostProbableLabels) {
  for (const int32_t blank : {0, 2}) {
    const auto x = logits(5 + blank);
    std::vector<std::pair<double, std::vector<int32_t>>> ranked;
    for (const auto& [labels, probability] : labellings(x, blank)) ranked.emplace_back(-probability, labels);
    std::sort(ranked.begin(), ranked.end());
    const auto [labels, scores] =
        ops::ctc_decode(sample(x), one(kSteps), "beam_search", 1000, 3, true, blank);
    EXPECT_EQ(labels.shape(), (Shape{3, 1, kSteps}));
    for (size_t path = 0; path < 3; ++path) {
      auto wanted = ranked[path].second;
      wanted.resize(kSteps, -1);
      const auto got = labels.to_vector<int32_t>();
      EXPECT_EQ(std::vector<int32_t>(got.begin() + static_cast<long>(path * kSteps),
                                     got.begin() + static_cast<long>((path + 1) * kSteps)),
                wanted);
      EXPECT_NEAR(scores.to_vector<double>()[path], std::log(-ranked[path].first), 1e-9);
    }
  }
}

TEST(CtcDecode, GreedyTakesTheLargestClasses) {
  const Tensor x = ops::one_hot(ints({1, 1, 0, 1, 2, 2, 0, 2}, {2, 4}), 3);
  const Tensor lengths = ints({4, 3}, {2});
  EXPECT_EQ(ops::ctc_decode(x, lengths).first.to_vector<int32_t>(),
            (std::vector<int32_t>{1, 1, -1, -1, 2, -1, -1, -1}));
  EXPECT_EQ(ops::ctc_decode(x, lengths, "greedy", 100, 1, false).first.to_vector<int32_t>(),
            (std::vector<int32_t>{1, 1, 1, -1, 2, 2, -1, -1}));
  EXPECT_EQ(ops::ctc_decode(x, lengths, "greedy", 100, 1, true, -1).first.to_vector<int32_t>(),
            (std::vector<int32_t>{1, 0, 1, -1, 0, -1, -1, -1}));
  EXPECT_EQ(ops::ctc_decode(x, lengths).second.to_vector<double>(), (std::vector<double>{-4, -3}));
}

TEST(Ctc, KnowsItsShapesForOpenBatches) {
  const AbstractEvaluation shapes;
  const Dim n = Dim::unknown();
  const auto tensor = [&](DType dtype, const Shape& shape) {
    return AbstractEvaluation::tensor({dtype, shape});
  };
  const Tensor x = tensor(DType::float32, {n, 6, 4}), lengths = tensor(DType::int32, {n});
  EXPECT_EQ(ops::ctc_loss(tensor(DType::int32, {n, 2}), x, lengths, lengths).shape().to_string(), "(None,)");
  EXPECT_EQ(ops::ctc_decode(x, lengths).first.shape().to_string(), "(1, None, 6)");
  const auto beams = ops::ctc_decode(x, lengths, "beam_search", 5, 2);
  EXPECT_EQ(beams.first.shape().to_string(), "(2, None, 6)");
  EXPECT_EQ(beams.second.shape().to_string(), "(None, 2)");
}

TEST(Ctc, RefusesWhatDoesNotFit) {
  const Tensor x = sample(logits(0)), labels = ints({1, 2}, {1, 2});
  EXPECT_THROW(ops::ctc_loss(labels, x, one(2), one(4), 3), ValueError);
  EXPECT_THROW(ops::ctc_loss(one(1), x, one(2), one(4)), ValueError);
  EXPECT_THROW(ops::ctc_loss(labels, labels, one(2), one(4)), ValueError);
  EXPECT_THROW(ops::ctc_decode(x, one(4), "beam_search", 2, 3), ValueError);
  EXPECT_THROW(ops::ctc_decode(x, one(4), "greedi"), ValueError);
  EXPECT_THROW(ops::ctc_decode(x, labels), ValueError);
}

}  // namespace
}  // namespace keras
