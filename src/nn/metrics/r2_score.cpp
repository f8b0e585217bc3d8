// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/r2_score.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/nn/loss.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(R2Score, "r2_score");

R2Score::R2Score(R2ScoreOptions options)
    : ConfiguredMetric(options, MetricOptions{options.name, options.dtype}),
      samples_(add_variable({}, "num_samples")) {
  const auto& joined = options_.class_aggregation;
  if (joined && *joined != "uniform_average" && *joined != "variance_weighted_average") {
    internal::fail<ValueError>(
        {kClassName, "class_aggregation must be \"uniform_average\", \"variance_weighted_average\" or none",
         fmt::format("\"{}\"", *joined), ""});
  }
  if (options_.num_regressors < 0) {
    internal::fail<ValueError>(
        {kClassName, "num_regressors must not be negative", fmt::format("{}", options_.num_regressors), ""});
  }
}

void R2Score::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const auto [t, p] =
      internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, dtype()), ops::cast(y_pred, dtype()));
  if (t.rank() != 2 || p.rank() != 2) {
    internal::fail<ValueError>({kClassName, "The inputs must have the shape (batch, outputs)",
                                fmt::format("{} and {}", t.shape().to_string(), p.shape().to_string()), ""});
  }
  if (!sum_.defined()) {
    const Shape outputs{p.dim(-1).value()};
    squares_ = add_variable(outputs, "squared_sum");
    sum_ = add_variable(outputs, "sum");
    residual_ = add_variable(outputs, "residual");
    count_ = add_variable(outputs, "count");
  }
  Tensor weight = ops::ones_like(t);
  if (sample_weight.defined()) {
    const Tensor given = ops::cast(sample_weight, dtype());
    weight = weight * (given.rank() == 1 ? ops::expand_dims(given, 1) : given);
  }
  const Tensor weighted = t * weight;
  sum_.assign_add(ops::sum(weighted, 0));
  squares_.assign_add(ops::sum(t * weighted, 0));
  residual_.assign_add(ops::sum(ops::square(t - p) * weight, 0));
  count_.assign_add(ops::sum(weight, 0));
  samples_.assign_add(ops::sum(ops::cast(ops::any(ops::not_equal(weight, 0.0), -1), dtype())));
}

Nest R2Score::result() const {
  if (!sum_.defined()) {
    internal::fail<ValueError>({kClassName, "There is no result before the first update", "", ""});
  }
  const Tensor total = squares_ - sum_ * (sum_ / count_);
  Tensor score = 1 - residual_ / total;
  score = ops::where(ops::isinf(score), 0.0, score);
  if (options_.class_aggregation == "uniform_average") {
    score = ops::mean(score);
  } else if (options_.class_aggregation == "variance_weighted_average") {
    score = ops::sum(total * score) / ops::sum(total);
  }
  if (options_.num_regressors == 0) return score;
  // Adjusted for the number of regressors, unless there are too few samples for that.
  const auto regressors = static_cast<double>(options_.num_regressors);
  const Tensor spare = samples_ - regressors - 1.0;
  const Tensor enough = spare > 0;
  const Tensor adjusted = 1.0 - (1.0 - score) * (samples_ - 1.0) / ops::where(enough, spare, 1.0);
  return ops::where(enough, adjusted, score);
}

}  // namespace keras::metrics
