// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keras/nn/metrics/confusion.h"

namespace keras {

/// Weights of the labels of AUC: none, or one a label.
struct LabelWeights {
  LabelWeights() = default;                                            ///< none
  LabelWeights(std::vector<double> list) : values(std::move(list)) {}  // NOLINT: by design
  LabelWeights(std::initializer_list<double> list) : values(list) {}   // NOLINT
  std::vector<double> values = {};                                     ///< empty: none
};

/// null or Keras' "__tensor__" envelope; a list is read, too.
template <>
struct FieldCodec<LabelWeights> {
  static std::string kind() { return "list of float or null"; }
  static Json to_json(const LabelWeights& value);
  static LabelWeights from_json(const Json& json, std::string_view where);
};

/// Arguments of metrics::SensitivityAtSpecificity.
struct SensitivityAtSpecificityOptions {
  double specificity = 0.5;              ///< the specificity to be reached, in [0, 1]
  int64_t num_thresholds = 200;          ///< how many thresholds are tried
  std::optional<int64_t> class_id = {};  ///< only this class is looked at
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::SpecificityAtSensitivity.
struct SpecificityAtSensitivityOptions {
  double sensitivity = 0.5;              ///< the sensitivity to be reached, in [0, 1]
  int64_t num_thresholds = 200;          ///< how many thresholds are tried
  std::optional<int64_t> class_id = {};  ///< only this class is looked at
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::PrecisionAtRecall.
struct PrecisionAtRecallOptions {
  double recall = 0.5;                   ///< the recall to be reached, in [0, 1]
  int64_t num_thresholds = 200;          ///< how many thresholds are tried
  std::optional<int64_t> class_id = {};  ///< only this class is looked at
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::RecallAtPrecision.
struct RecallAtPrecisionOptions {
  double precision = 0.5;                ///< the precision to be reached, in [0, 1]
  int64_t num_thresholds = 200;          ///< how many thresholds are tried
  std::optional<int64_t> class_id = {};  ///< only this class is looked at
  std::string name = {};
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<SensitivityAtSpecificityOptions> {
  using O = SensitivityAtSpecificityOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::specificity>("specificity", "The specificity to be reached, in [0, 1]"),
      field<&O::num_thresholds>("num_thresholds", "How many thresholds are tried"),
      field<&O::class_id>("class_id", "Only this class is looked at"));
};

template <>
struct FieldTable<SpecificityAtSensitivityOptions> {
  using O = SpecificityAtSensitivityOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::sensitivity>("sensitivity", "The sensitivity to be reached, in [0, 1]"),
      field<&O::num_thresholds>("num_thresholds", "How many thresholds are tried"),
      field<&O::class_id>("class_id", "Only this class is looked at"));
};

template <>
struct FieldTable<PrecisionAtRecallOptions> {
  using O = PrecisionAtRecallOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::recall>("recall", "The recall to be reached, in [0, 1]"),
                 field<&O::num_thresholds>("num_thresholds", "How many thresholds are tried"),
                 field<&O::class_id>("class_id", "Only this class is looked at"));
};

template <>
struct FieldTable<RecallAtPrecisionOptions> {
  using O = RecallAtPrecisionOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::precision>("precision", "The precision to be reached, in [0, 1]"),
      field<&O::num_thresholds>("num_thresholds", "How many thresholds are tried"),
      field<&O::class_id>("class_id", "Only this class is looked at"));
};

/// Arguments of metrics::AUC.
struct AUCOptions {
  int64_t num_thresholds = 200;                    ///< how many thresholds are tried
  std::string curve = "ROC";                       ///< that, "PR" or "PRGAIN"
  std::string summation_method = "interpolation";  ///< that, "minoring" or "majoring"
  std::string name = {};
  std::optional<DType> dtype = {};
  std::optional<std::vector<double>> thresholds = {};  ///< instead of num_thresholds, in [0, 1]
  bool multi_label = false;                            ///< a curve for each label, whose areas are averaged
  std::optional<int64_t> num_labels = {};              ///< with multi_label: the number of labels
  LabelWeights label_weights = {};                     ///< a weight for each label
  bool from_logits = false;                            ///< y_pred are logits
};

template <>
struct FieldTable<AUCOptions> {
  using O = AUCOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::num_thresholds>("num_thresholds", "How many thresholds are tried"),
      field<&O::curve>("curve", "ROC, PR or PRGAIN"),
      field<&O::summation_method>("summation_method", "interpolation, minoring or majoring"),
      field<&O::multi_label>("multi_label", "A curve for each label"),
      field<&O::num_labels>("num_labels", "The number of labels"),
      field<&O::label_weights>("label_weights", "A weight for each label"),
      field<&O::from_logits>("from_logits", "Whether y_pred are logits"),
      field<&O::thresholds>("thresholds", "Instead of num_thresholds"));
};

namespace metrics {

/// The base of the metrics that look for the best threshold: counts the confusion matrix at many.
class AtThresholds : public Metric {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  int direction() const override { return 1; }

 protected:
  AtThresholds(MetricOptions options, const char* what, double value, int64_t num_thresholds,
               std::optional<int64_t> class_id);
  /// The largest `wanted` where `bounded` reaches the value.
  Tensor best(const Tensor& bounded, const Tensor& wanted) const;
  Tensor sensitivity() const;
  Tensor specificity() const;
  Tensor precision() const;

 private:
  double value_;
  std::optional<int64_t> class_id_;
  std::vector<double> thresholds_;
  internal::ConfusionCounts counts_;
};

/// The best sensitivity (recall) among thresholds that reach a specificity
/// (keras.metrics.SensitivityAtSpecificity). Throws ValueError for a specificity outside [0, 1] or no
/// thresholds.
class SensitivityAtSpecificity
    : public ConfiguredMetric<SensitivityAtSpecificity, SensitivityAtSpecificityOptions, AtThresholds> {
 public:
  static constexpr const char* kClassName = "SensitivityAtSpecificity";
  explicit SensitivityAtSpecificity(SensitivityAtSpecificityOptions options);
  explicit SensitivityAtSpecificity(double specificity, SensitivityAtSpecificityOptions options = {});
  Nest result() const override;
};

/// The best specificity among thresholds that reach a sensitivity
/// (keras.metrics.SpecificityAtSensitivity). Throws ValueError for a sensitivity outside [0, 1] or no
/// thresholds.
class SpecificityAtSensitivity
    : public ConfiguredMetric<SpecificityAtSensitivity, SpecificityAtSensitivityOptions, AtThresholds> {
 public:
  static constexpr const char* kClassName = "SpecificityAtSensitivity";
  explicit SpecificityAtSensitivity(SpecificityAtSensitivityOptions options);
  explicit SpecificityAtSensitivity(double sensitivity, SpecificityAtSensitivityOptions options = {});
  Nest result() const override;
};

/// The best precision among thresholds that reach a recall
/// (keras.metrics.PrecisionAtRecall). Throws ValueError for a recall outside [0, 1] or no thresholds.
class PrecisionAtRecall : public ConfiguredMetric<PrecisionAtRecall, PrecisionAtRecallOptions, AtThresholds> {
 public:
  static constexpr const char* kClassName = "PrecisionAtRecall";
  explicit PrecisionAtRecall(PrecisionAtRecallOptions options);
  explicit PrecisionAtRecall(double recall, PrecisionAtRecallOptions options = {});
  Nest result() const override;
};

/// The best recall among thresholds that reach a precision
/// (keras.metrics.RecallAtPrecision). Throws ValueError for a precision outside [0, 1] or no thresholds.
class RecallAtPrecision : public ConfiguredMetric<RecallAtPrecision, RecallAtPrecisionOptions, AtThresholds> {
 public:
  static constexpr const char* kClassName = "RecallAtPrecision";
  explicit RecallAtPrecision(RecallAtPrecisionOptions options);
  explicit RecallAtPrecision(double precision, RecallAtPrecisionOptions options = {});
  Nest result() const override;
};

/// Area under a curve of binary labels: ROC, precision over recall, or precision gain over recall gain, by a
/// Riemann sum over thresholds (keras.metrics.AUC; Davis and Goadrich, 2006). Throws ValueError for unknown
/// names or thresholds outside [0, 1].
class AUC : public ConfiguredMetric<AUC, AUCOptions, Metric> {
 public:
  static constexpr const char* kClassName = "AUC";
  explicit AUC(AUCOptions options = {});
  Json get_config() const override;
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }

 private:
  void build(int64_t labels);
  Tensor interpolated_pr() const;
  Tensor joined(const Tensor& increments) const;

  std::vector<double> thresholds_;
  internal::ConfusionCounts counts_;
};

}  // namespace metrics
}  // namespace keras
