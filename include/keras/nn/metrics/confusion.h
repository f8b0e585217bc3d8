// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keras/nn/metric.h"

namespace keras {

/// Thresholds of a metric: none, one, or several.
struct Thresholds {
  Thresholds() = default;                                                         ///< none
  Thresholds(double threshold) : given(true), single(true), values{threshold} {}  // NOLINT: by design
  Thresholds(std::vector<double> list) : given(true), values(std::move(list)) {}  // NOLINT
  Thresholds(std::initializer_list<double> list) : given(true), values(list) {}   // NOLINT
  bool given = false;                                                             ///< whether there are any
  bool single = false;              ///< whether it was one number rather than a list
  std::vector<double> values = {};  ///< in [0, 1]
};

/// null, a number or a list.
template <>
struct FieldCodec<Thresholds> {
  static std::string kind() { return "float, list of float or null"; }
  static Json to_json(const Thresholds& value);
  static Thresholds from_json(const Json& json, std::string_view where);
};

/// Arguments of metrics::Confusion.
struct ConfusionOptions {
  Thresholds thresholds = {};  ///< predictions above count as 1; none: 0.5
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::PrecisionRecall.
struct PrecisionRecallOptions {
  Thresholds thresholds = {};            ///< predictions above count as 1; none: 0.5, or the top_k
  std::optional<int64_t> top_k = {};     ///< only the k largest predictions of a sample count as 1
  std::optional<int64_t> class_id = {};  ///< only this class is looked at
  std::string name = {};
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<ConfusionOptions> {
  using O = ConfusionOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::thresholds>("thresholds", "Predictions above count as 1; none: 0.5"));
};

template <>
struct FieldTable<PrecisionRecallOptions> {
  using O = PrecisionRecallOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(),
                 field<&O::thresholds>("thresholds", "Predictions above count as 1; none: 0.5, or the top_k"),
                 field<&O::top_k>("top_k", "Only the k largest predictions of a sample count as 1"),
                 field<&O::class_id>("class_id", "Only this class is looked at"));
};

namespace internal {

/// What is counted at every threshold; unwanted counts are undefined.
struct ConfusionCounts {
  Variable true_positives, false_positives, true_negatives, false_negatives;
};

}  // namespace internal

namespace metrics {

/// The base of the metrics that count one cell of the confusion matrix: a scalar, or a vector with several
/// thresholds. Throws ValueError for thresholds outside [0, 1].
class ConfusionCount : public Metric {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;

 protected:
  /// `cell` is the member that is counted.
  ConfusionCount(const ConfusionOptions& options, Variable internal::ConfusionCounts::*cell);

 private:
  std::vector<double> thresholds_;
  internal::ConfusionCounts counts_;
  Variable internal::ConfusionCounts::*cell_;
};

/// Weight of positive labels predicted positive (keras.metrics.TruePositives).
class TruePositives : public ConfiguredMetric<TruePositives, ConfusionOptions, ConfusionCount> {
 public:
  static constexpr const char* kClassName = "TruePositives";
  explicit TruePositives(ConfusionOptions options = {});
};

/// Weight of negative labels predicted negative (keras.metrics.TrueNegatives).
class TrueNegatives : public ConfiguredMetric<TrueNegatives, ConfusionOptions, ConfusionCount> {
 public:
  static constexpr const char* kClassName = "TrueNegatives";
  explicit TrueNegatives(ConfusionOptions options = {});
};

/// Weight of negative labels predicted positive (keras.metrics.FalsePositives).
class FalsePositives : public ConfiguredMetric<FalsePositives, ConfusionOptions, ConfusionCount> {
 public:
  static constexpr const char* kClassName = "FalsePositives";
  explicit FalsePositives(ConfusionOptions options = {});
};

/// Weight of positive labels predicted negative (keras.metrics.FalseNegatives).
class FalseNegatives : public ConfiguredMetric<FalseNegatives, ConfusionOptions, ConfusionCount> {
 public:
  static constexpr const char* kClassName = "FalseNegatives";
  explicit FalseNegatives(ConfusionOptions options = {});
};

/// true positives / predicted positives, a scalar, or a vector with several thresholds
/// (keras.metrics.Precision). Throws ValueError for thresholds outside [0, 1].
class Precision : public ConfiguredMetric<Precision, PrecisionRecallOptions, Metric> {
 public:
  static constexpr const char* kClassName = "Precision";
  explicit Precision(PrecisionRecallOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }

 private:
  std::vector<double> thresholds_;
  internal::ConfusionCounts counts_;
};

/// true positives / positive labels, a scalar, or a vector with several thresholds (keras.metrics.Recall).
/// Throws ValueError for thresholds outside [0, 1].
class Recall : public ConfiguredMetric<Recall, PrecisionRecallOptions, Metric> {
 public:
  static constexpr const char* kClassName = "Recall";
  explicit Recall(PrecisionRecallOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }

 private:
  std::vector<double> thresholds_;
  internal::ConfusionCounts counts_;
};

}  // namespace metrics
}  // namespace keras
