// SPDX-License-Identifier: Apache-2.0
#include "nn/metrics/confusion_counts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/nn/loss.h"
#include "keras/ops/core.h"
#include "keras/ops/math.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::internal {

namespace {

bool evenly_spread(const std::vector<double>& thresholds) {
  if (thresholds.size() < 3) return false;
  for (size_t i = 0; i < thresholds.size(); ++i) {
    const double even = static_cast<float>(static_cast<float>(i) / static_cast<float>(thresholds.size() - 1));
    if (std::abs(thresholds[i] - even) > config::epsilon() + 1e-5 * std::abs(even)) return false;
  }
  return true;
}

// Scores outside the k largest of a row become so small that no threshold lets them pass.
Tensor keep_top_k(const Tensor& x, int64_t k) {
  const Tensor largest = ops::top_k(x, k).second;
  const Tensor kept = ops::sum(ops::one_hot(largest, x.dim(-1).value(), -1, x.dtype()), -2);
  return x * kept + kNegativeInfinity * (1 - kept);
}

// Labels and predictions as columns of samples (one column unless multi_label), with their weights.
struct Batch {
  Tensor positive, negative;  // weights where the label is 1, where it is 0
  Tensor scores;
};

void add(const Variable& count, const Tensor& delta) {
  if (count.defined()) count.assign_add(ops::cast(delta, count.dtype()));
}

// Counts of scores above each threshold: the thresholds are even, so a score's place is computed.
Tensor counts_above(const Tensor& weights, const Tensor& scores, size_t thresholds, bool relaxed) {
  const auto steps = static_cast<double>(thresholds - 1);
  Tensor bucket = ops::ceil(scores * steps) - 1;
  Tensor counted = weights;
  if (!relaxed) counted = ops::where(bucket < 0, 0.0, weights);  // a score of 0 passes no threshold
  bucket = ops::cast(ops::maximum(bucket, 0.0), DType::int32);
  const auto below = [&](const Tensor& w, const Tensor& b) {
    const Tensor sums = ops::segment_sum(w, b, static_cast<int64_t>(thresholds));
    return ops::flip(ops::cumsum(ops::flip(sums), 0));
  };
  if (scores.rank() == 1) return below(counted, bucket);
  std::vector<Tensor> columns;
  for (int64_t label = 0; label < scores.dim(1).value(); ++label) {
    const Tensor at = Tensor(label);
    columns.push_back(below(ops::take(counted, at, 1), ops::take(bucket, at, 1)));
  }
  return ops::stack(columns, 1);
}

}  // namespace

std::vector<double> checked_thresholds(const char* where, const Thresholds& given, double otherwise) {
  if (!given.given) return {otherwise};
  for (const double t : given.values) {
    if (!(t >= 0 && t <= 1)) {
      fail<ValueError>({where, "Thresholds must be in [0, 1]", fmt::format("{}", given.values), ""});
    }
  }
  return given.values;
}

std::vector<double> even_thresholds(int64_t count) {
  std::vector<double> out{0.0};
  for (int64_t i = 1; i + 1 < count; ++i)
    out.push_back(static_cast<double>(i) / static_cast<double>(count - 1));
  out.push_back(1.0);
  return out;
}

void count_confusion(const ConfusionCounts& counts, const Tensor& y_true, const Tensor& y_pred,
                     const Tensor& sample_weight, const ConfusionRule& rule) {
  DType dtype = floatx();
  for (const Variable* v :
       {&counts.true_positives, &counts.false_positives, &counts.true_negatives, &counts.false_negatives}) {
    if (v->defined()) dtype = v->dtype();
  }
  auto [scores, labels] = squeeze_or_expand_to_same_rank(ops::cast(y_pred, dtype), ops::cast(y_true, dtype));
  Tensor weight;
  if (sample_weight.defined()) {
    weight = ops::expand_dims(ops::cast(sample_weight, dtype), -1);
    weight = squeeze_or_expand_to_same_rank(labels, weight, false).second;
  }
  if (rule.top_k) scores = keep_top_k(scores, *rule.top_k);
  if (rule.class_id) {
    if (scores.rank() < 2) {
      fail<ValueError>({"metric", "class_id needs predictions of the shape (batch, classes)",
                        scores.shape().to_string(), ""});
    }
    const auto one = [&](const Tensor& x) {
      return x[{ellipsis, Slice(*rule.class_id, *rule.class_id + 1)}];
    };
    labels = one(labels);
    scores = one(scores);
  }
  Tensor weights = ops::ones_like(scores);
  if (weight.defined()) weights = weights * weight;
  if (!rule.label_weights.empty()) weights = weights * ops::cast(Tensor::from(rule.label_weights), dtype);
  if (!rule.multi_label) {
    labels = ops::reshape(labels, {-1});
    scores = ops::reshape(scores, {-1});
    weights = ops::reshape(weights, {-1});
  }
  const Tensor is_positive = ops::cast(ops::not_equal(labels, 0), dtype);
  const Batch batch{is_positive * weights, (1.0 - is_positive) * weights, scores};

  const auto& thresholds = rule.thresholds;
  Tensor positives, negatives;  // above the thresholds
  if (evenly_spread(thresholds)) {
    const bool relaxed = thresholds.front() < 0 || thresholds.back() > 1;
    const Tensor inside = ops::clip(batch.scores, 0.0, 1.0);
    positives = counts_above(batch.positive, inside, thresholds.size(), relaxed);
    negatives = counts_above(batch.negative, inside, thresholds.size(), relaxed);
  } else {
    const auto count = static_cast<int64_t>(thresholds.size());
    const Tensor bounds = ops::cast(Tensor::from(thresholds), dtype);
    const Tensor column =
        ops::reshape(bounds, rule.multi_label ? ops::NewShape{count, 1, 1} : ops::NewShape{count, 1});
    const Tensor above = ops::expand_dims(batch.scores, 0) > column;
    const auto total = [&](const Tensor& w) {
      return ops::sum(ops::where(above, ops::expand_dims(w, 0), 0.0), 1);
    };
    positives = total(batch.positive);
    negatives = total(batch.negative);
  }
  add(counts.true_positives, positives);
  add(counts.false_positives, negatives);
  if (counts.true_negatives.defined()) add(counts.true_negatives, ops::sum(batch.negative, 0) - negatives);
  if (counts.false_negatives.defined()) add(counts.false_negatives, ops::sum(batch.positive, 0) - positives);
}

}  // namespace keras::internal
