// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/auc.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"
#include "nn/metrics/confusion_counts.h"

namespace keras {

Json FieldCodec<LabelWeights>::to_json(const LabelWeights& value) {
  if (value.values.empty()) return nullptr;
  Json::List list;
  for (const double v : value.values) list.emplace_back(static_cast<double>(static_cast<float>(v)));
  return Json::dict({{"class_name", "__tensor__"},
                     {"config", Json::dict({{"value", std::move(list)}, {"dtype", "float32"}})}});
}

LabelWeights FieldCodec<LabelWeights>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  return FieldCodec<std::vector<double>>::from_json(json.is_dict() ? json["config"]["value"] : json, where);
}

namespace metrics {

KERAS_REGISTER_METRIC(SensitivityAtSpecificity, "sensitivity_at_specificity");
KERAS_REGISTER_METRIC(SpecificityAtSensitivity, "specificity_at_sensitivity");
KERAS_REGISTER_METRIC(PrecisionAtRecall, "precision_at_recall");
KERAS_REGISTER_METRIC(RecallAtPrecision, "recall_at_precision");
KERAS_REGISTER_METRIC(AUC, "auc");

AtThresholds::AtThresholds(MetricOptions options, const char* what, double value, int64_t num_thresholds,
                           std::optional<int64_t> class_id)
    : Metric(std::move(options)), value_(value), class_id_(class_id) {
  if (!(value >= 0 && value <= 1)) {
    internal::fail<ValueError>(
        {"metric", fmt::format("{} must be in [0, 1]", what), fmt::format("{}", value), ""});
  }
  if (num_thresholds < 1) {
    internal::fail<ValueError>(
        {"metric", "num_thresholds must be positive", fmt::format("{}", num_thresholds), ""});
  }
  thresholds_ = num_thresholds == 1 ? std::vector<double>{0.5} : internal::even_thresholds(num_thresholds);
  const Shape shape{static_cast<int64_t>(thresholds_.size())};
  counts_ = {add_variable(shape, "true_positives"), add_variable(shape, "false_positives"),
             add_variable(shape, "true_negatives"), add_variable(shape, "false_negatives")};
}

void AtThresholds::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  internal::count_confusion(counts_, y_true, y_pred, sample_weight,
                            {.thresholds = thresholds_, .class_id = class_id_, .label_weights = {}});
}

Tensor AtThresholds::best(const Tensor& bounded, const Tensor& wanted) const {
  return ops::max(ops::where(bounded >= value_, wanted, 0.0), {}, false, 0.0);
}
Tensor AtThresholds::sensitivity() const {
  return ops::divide_no_nan(counts_.true_positives, counts_.true_positives + counts_.false_negatives);
}
Tensor AtThresholds::specificity() const {
  return ops::divide_no_nan(counts_.true_negatives, counts_.true_negatives + counts_.false_positives);
}
Tensor AtThresholds::precision() const {
  return ops::divide_no_nan(counts_.true_positives, counts_.true_positives + counts_.false_positives);
}

SensitivityAtSpecificity::SensitivityAtSpecificity(SensitivityAtSpecificityOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}, "specificity", o.specificity, o.num_thresholds,
                       o.class_id) {}
SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity,
                                                   SensitivityAtSpecificityOptions options)
    : SensitivityAtSpecificity([&] {
        options.specificity = specificity;
        return options;
      }()) {}
Nest SensitivityAtSpecificity::result() const { return best(specificity(), sensitivity()); }

SpecificityAtSensitivity::SpecificityAtSensitivity(SpecificityAtSensitivityOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}, "sensitivity", o.sensitivity, o.num_thresholds,
                       o.class_id) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity,
                                                   SpecificityAtSensitivityOptions options)
    : SpecificityAtSensitivity([&] {
        options.sensitivity = sensitivity;
        return options;
      }()) {}
Nest SpecificityAtSensitivity::result() const { return best(sensitivity(), specificity()); }

PrecisionAtRecall::PrecisionAtRecall(PrecisionAtRecallOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}, "recall", o.recall, o.num_thresholds, o.class_id) {}
PrecisionAtRecall::PrecisionAtRecall(double recall, PrecisionAtRecallOptions options)
    : PrecisionAtRecall([&] {
        options.recall = recall;
        return options;
      }()) {}
Nest PrecisionAtRecall::result() const { return best(sensitivity(), precision()); }

RecallAtPrecision::RecallAtPrecision(RecallAtPrecisionOptions o)
    : ConfiguredMetric(o, MetricOptions{o.name, o.dtype}, "precision", o.precision, o.num_thresholds,
                       o.class_id) {}
RecallAtPrecision::RecallAtPrecision(double precision, RecallAtPrecisionOptions options)
    : RecallAtPrecision([&] {
        options.precision = precision;
        return options;
      }()) {}
Nest RecallAtPrecision::result() const { return best(precision(), sensitivity()); }

namespace {

std::string one_of(const char* what, const std::string& given, const std::vector<std::string>& names,
                   bool upper) {
  std::string name = given;
  std::transform(name.begin(), name.end(), name.begin(),
                 [upper](unsigned char c) { return upper ? std::toupper(c) : std::tolower(c); });
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    internal::fail_unknown_name("AUC", what, given, names);
  }
  return name;
}

Tensor upper_ends(const Tensor& x) { return x[{Slice({}, -1)}]; }
Tensor lower_ends(const Tensor& x) { return x[{Slice(1, {})}]; }

}  // namespace

AUC::AUC(AUCOptions options) : ConfiguredMetric(options, MetricOptions{options.name, options.dtype}) {
  auto& o = options_;
  o.curve = one_of("curve", o.curve, {"ROC", "PR", "PRGAIN"}, true);
  o.summation_method =
      one_of("summation method", o.summation_method, {"interpolation", "majoring", "minoring"}, false);
  if (o.thresholds) {
    auto& inner = *o.thresholds;
    if (!inner.empty()) internal::checked_thresholds(kClassName, inner, 0.5);
    std::sort(inner.begin(), inner.end());
    o.num_thresholds = static_cast<int64_t>(inner.size()) + 2;
    thresholds_ = {0.0};
    thresholds_.insert(thresholds_.end(), inner.begin(), inner.end());
    thresholds_.push_back(1.0);
  } else {
    if (o.num_thresholds <= 1) {
      internal::fail<ValueError>(
          {kClassName, "num_thresholds must be at least 2", fmt::format("{}", o.num_thresholds), ""});
    }
    thresholds_ = internal::even_thresholds(o.num_thresholds);
  }
  // So that scores of exactly 0 and 1 lie inside.
  thresholds_.front() -= config::epsilon();
  thresholds_.back() += config::epsilon();
  if (o.num_labels && !o.multi_label) {
    internal::fail<ValueError>(
        {kClassName, "num_labels is for multi_label only", fmt::format("{}", *o.num_labels), ""});
  }
  if (!o.multi_label) {
    build(0);
  } else if (o.num_labels) {
    build(*o.num_labels);
  }
}

void AUC::build(int64_t labels) {
  const Shape shape = labels == 0 ? Shape{options_.num_thresholds} : Shape{options_.num_thresholds, labels};
  counts_ = {add_variable(shape, "true_positives"), add_variable(shape, "false_positives"),
             add_variable(shape, "true_negatives"), add_variable(shape, "false_negatives")};
}

Json AUC::get_config() const {
  Json config = ConfiguredMetric::get_config();
  if (!options_.thresholds) config.erase("thresholds");
  return config;
}

void AUC::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  if (!counts_.true_positives.defined()) {
    if (y_pred.rank() != 2) {
      internal::fail<ValueError>({kClassName,
                                  "With multi_label the predictions must have the shape (batch, labels)",
                                  y_pred.shape().to_string(), ""});
    }
    build(y_pred.dim(1).value());
  }
  internal::count_confusion(
      counts_, y_true, options_.from_logits ? ops::sigmoid(y_pred) : y_pred, sample_weight,
      {.thresholds = thresholds_,
       .multi_label = options_.multi_label,
       .label_weights = options_.multi_label ? std::vector<double>{} : options_.label_weights.values});
}

Tensor AUC::joined(const Tensor& increments) const {
  if (!options_.multi_label) return ops::sum(increments);
  const Tensor areas = ops::sum(increments, 0);
  if (options_.label_weights.values.empty()) return ops::mean(areas);
  const Tensor weights = ops::cast(Tensor::from(options_.label_weights.values), dtype());
  return ops::divide_no_nan(ops::sum(areas * weights), ops::sum(weights));
}

// The area under precision over recall, interpolated between the points as Davis and Goadrich do.
Tensor AUC::interpolated_pr() const {
  const Tensor tp = counts_.true_positives.value();
  const Tensor predicted = tp + counts_.false_positives;
  const Tensor hits = upper_ends(tp) - lower_ends(tp);
  const Tensor slope =
      ops::divide_no_nan(hits, ops::maximum(upper_ends(predicted) - lower_ends(predicted), 0));
  const Tensor intercept = lower_ends(tp) - slope * lower_ends(predicted);
  const Tensor both = ops::logical_and(upper_ends(predicted) > 0, lower_ends(predicted) > 0);
  const Tensor ratio = ops::where(
      both, ops::divide_no_nan(upper_ends(predicted), ops::maximum(lower_ends(predicted), 0)), 1.0);
  return joined(ops::divide_no_nan(slope * (hits + intercept * ops::log(ratio)),
                                   ops::maximum(lower_ends(tp) + lower_ends(counts_.false_negatives), 0)));
}

Nest AUC::result() const {
  if (!counts_.true_positives.defined()) {
    internal::fail<ValueError>({kClassName, "There is no result before the first update", "", ""});
  }
  const auto& [true_positives, false_positives, true_negatives, false_negatives] = counts_;
  const bool interpolated = options_.summation_method == "interpolation";
  if (options_.curve == "PR" && interpolated) return interpolated_pr();
  const Tensor positives = true_positives + false_negatives;
  const Tensor recall = ops::divide_no_nan(true_positives, positives);
  Tensor x, y;
  if (options_.curve == "ROC") {
    x = ops::divide_no_nan(false_positives, false_positives + true_negatives);
    y = recall;
  } else if (options_.curve == "PR") {
    x = recall;
    y = ops::divide_no_nan(true_positives, true_positives + false_positives);
  } else {
    const Tensor odds = ops::divide_no_nan(positives, true_negatives + false_positives);
    const Tensor none = ops::equal(true_positives, 0.0);
    x = ops::where(none, 0.0, 1.0 - odds * ops::divide_no_nan(false_negatives, true_positives));
    y = ops::where(none, 1.0, 1.0 - odds * ops::divide_no_nan(false_positives, true_positives));
    x = ops::maximum(x, 0.0);
  }
  const Tensor heights = interpolated ? (upper_ends(y) + lower_ends(y)) / 2.0
                         : options_.summation_method == "minoring"
                             ? ops::minimum(upper_ends(y), lower_ends(y))
                             : ops::maximum(upper_ends(y), lower_ends(y));
  return joined((upper_ends(x) - lower_ends(x)) * heights);
}

}  // namespace metrics
}  // namespace keras
