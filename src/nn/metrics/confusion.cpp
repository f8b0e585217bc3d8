// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/confusion.h"

#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/metrics/confusion_counts.h"

namespace keras {

Json FieldCodec<Thresholds>::to_json(const Thresholds& value) {
  if (!value.given) return nullptr;
  if (value.single) return value.values.at(0);
  return FieldCodec<std::vector<double>>::to_json(value.values);
}

Thresholds FieldCodec<Thresholds>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_number()) return json.as_real(where);
  return FieldCodec<std::vector<double>>::from_json(json, where);
}

namespace metrics {

KERAS_REGISTER_METRIC(TruePositives, "true_positives");
KERAS_REGISTER_METRIC(TrueNegatives, "true_negatives");
KERAS_REGISTER_METRIC(FalsePositives, "false_positives");
KERAS_REGISTER_METRIC(FalseNegatives, "false_negatives");
KERAS_REGISTER_METRIC(Precision, "precision");
KERAS_REGISTER_METRIC(Recall, "recall");

namespace {

Tensor scalar_if_single(const Tensor& values) { return values.dim(0) == Dim(1) ? values[0] : values; }

double default_threshold(const PrecisionRecallOptions& o) {
  return o.top_k ? internal::kNegativeInfinity : 0.5;
}

internal::ConfusionRule rule_of(const std::vector<double>& thresholds, const PrecisionRecallOptions& o) {
  return {.thresholds = thresholds, .top_k = o.top_k, .class_id = o.class_id, .label_weights = {}};
}

}  // namespace

ConfusionCount::ConfusionCount(const ConfusionOptions& options, Variable internal::ConfusionCounts::*cell)
    : Metric({options.name, options.dtype}),
      thresholds_(internal::checked_thresholds("metric", options.thresholds, 0.5)),
      cell_(cell) {
  counts_.*cell_ = add_variable({static_cast<int64_t>(thresholds_.size())}, "accumulator");
}

void ConfusionCount::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  internal::count_confusion(counts_, y_true, y_pred, sample_weight,
                            {.thresholds = thresholds_, .label_weights = {}});
}

Nest ConfusionCount::result() const { return scalar_if_single((counts_.*cell_).value()); }

TruePositives::TruePositives(ConfusionOptions o)
    : ConfiguredMetric(o, o, &internal::ConfusionCounts::true_positives) {}
TrueNegatives::TrueNegatives(ConfusionOptions o)
    : ConfiguredMetric(o, o, &internal::ConfusionCounts::true_negatives) {}
FalsePositives::FalsePositives(ConfusionOptions o)
    : ConfiguredMetric(o, o, &internal::ConfusionCounts::false_positives) {}
FalseNegatives::FalseNegatives(ConfusionOptions o)
    : ConfiguredMetric(o, o, &internal::ConfusionCounts::false_negatives) {}

Precision::Precision(PrecisionRecallOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}),
      thresholds_(internal::checked_thresholds(kClassName, o.thresholds, default_threshold(o))) {
  const Shape shape{static_cast<int64_t>(thresholds_.size())};
  counts_.true_positives = add_variable(shape, "true_positives");
  counts_.false_positives = add_variable(shape, "false_positives");
}

void Precision::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  internal::count_confusion(counts_, y_true, y_pred, sample_weight, rule_of(thresholds_, options_));
}

Nest Precision::result() const {
  return scalar_if_single(
      ops::divide_no_nan(counts_.true_positives, counts_.true_positives + counts_.false_positives));
}

Recall::Recall(PrecisionRecallOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}),
      thresholds_(internal::checked_thresholds(kClassName, o.thresholds, default_threshold(o))) {
  const Shape shape{static_cast<int64_t>(thresholds_.size())};
  counts_.true_positives = add_variable(shape, "true_positives");
  counts_.false_negatives = add_variable(shape, "false_negatives");
}

void Recall::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  internal::count_confusion(counts_, y_true, y_pred, sample_weight, rule_of(thresholds_, options_));
}

Nest Recall::result() const {
  return scalar_if_single(
      ops::divide_no_nan(counts_.true_positives, counts_.true_positives + counts_.false_negatives));
}

}  // namespace metrics
}  // namespace keras
