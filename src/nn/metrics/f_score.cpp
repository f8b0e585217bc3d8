// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/f_score.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(FBetaScore, "f_beta_score");
KERAS_REGISTER_METRIC(F1Score, "f1_score");

FBetaScore::FBetaScore(FBetaScoreOptions options)
    : Metric({options.name, options.dtype}), options_(std::move(options)) {
  const auto& average = options_.average;
  if (average && *average != "micro" && *average != "macro" && *average != "weighted") {
    internal::fail<ValueError>({kClassName, "average must be \"micro\", \"macro\", \"weighted\" or none",
                                fmt::format("\"{}\"", *average), ""});
  }
  if (!(options_.beta > 0)) {
    internal::fail<ValueError>({kClassName, "beta must be positive", fmt::format("{}", options_.beta), ""});
  }
  if (options_.threshold && !(*options_.threshold > 0 && *options_.threshold <= 1)) {
    internal::fail<ValueError>(
        {kClassName, "threshold must be in (0, 1]", fmt::format("{}", *options_.threshold), ""});
  }
}

Json FBetaScore::get_config() const {
  FBetaScoreOptions current = options_;
  current.name = name();
  current.dtype = dtype();
  return to_config(current);
}

std::shared_ptr<Metric> FBetaScore::clone() const {
  FBetaScoreOptions current = options_;
  current.name = name();
  current.dtype = dtype();
  return std::make_shared<FBetaScore>(std::move(current));
}

void FBetaScore::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const Tensor t = ops::cast(y_true, dtype());
  const Tensor scores = ops::cast(y_pred, dtype());
  if (t.rank() != 2 || scores.rank() != 2) {
    internal::fail<ValueError>({class_name(), "The inputs must have the shape (batch, classes)",
                                fmt::format("{} and {}", t.shape().to_string(), scores.shape().to_string()),
                                ""});
  }
  const bool one = options_.average == "micro";
  if (!true_positives_.defined()) {
    const Shape shape = one ? Shape{} : Shape{scores.dim(-1).value()};
    true_positives_ = add_variable(shape, "true_positives");
    false_positives_ = add_variable(shape, "false_positives");
    false_negatives_ = add_variable(shape, "false_negatives");
    weights_ = add_variable(shape, "intermediate_weights");
  }
  const Tensor chosen = options_.threshold
                            ? scores > *options_.threshold
                            : ops::logical_and(scores >= ops::max(scores, -1, true), ops::abs(scores) > 1e-9);
  const Tensor p = ops::cast(chosen, dtype());
  Tensor weight;
  if (sample_weight.defined()) {
    weight = ops::cast(sample_weight, dtype());
    while (weight.rank() < 2) weight = ops::expand_dims(weight, -1);
  }
  const auto total = [&](const Tensor& values) {
    const Tensor weighted = weight.defined() ? values * weight : values;
    return one ? ops::sum(weighted) : ops::sum(weighted, 0);
  };
  true_positives_.assign_add(total(p * t));
  false_positives_.assign_add(total(p * (1 - t)));
  false_negatives_.assign_add(total((1 - p) * t));
  weights_.assign_add(total(t));
}

Nest FBetaScore::result() const {
  if (!true_positives_.defined()) {
    internal::fail<ValueError>({class_name(), "There is no result before the first update", "", ""});
  }
  const double fuzz = config::epsilon();
  const Tensor precision = true_positives_ / (true_positives_ + false_positives_ + fuzz);
  const Tensor recall = true_positives_ / (true_positives_ + false_negatives_ + fuzz);
  const double square = options_.beta * options_.beta;
  const Tensor score = precision * recall / (square * precision + recall + fuzz) * (1 + square);
  if (options_.average == "weighted") return ops::sum(score * (weights_ / (ops::sum(weights_) + fuzz)));
  return options_.average ? ops::mean(score) : score;
}

F1Score::F1Score(F1ScoreOptions options)
    : FBetaScore({.average = options.average,
                  .threshold = options.threshold,
                  .name = options.name.empty() ? "f1_score" : options.name,
                  .dtype = options.dtype}) {}

Json F1Score::get_config() const {
  Json config = FBetaScore::get_config();
  config.erase("beta");
  return config;
}

std::shared_ptr<Metric> F1Score::clone() const {
  return std::make_shared<F1Score>(F1ScoreOptions{
      .average = options_.average, .threshold = options_.threshold, .name = name(), .dtype = dtype()});
}

}  // namespace keras::metrics
