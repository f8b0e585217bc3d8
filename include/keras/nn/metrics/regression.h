// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::CosineSimilarity.
struct CosineSimilarityMetricOptions {
  std::string name = "cosine_similarity";
  std::optional<DType> dtype = {};
  int axis = -1;  ///< axis of the vectors
};

template <>
struct FieldTable<CosineSimilarityMetricOptions> {
  using O = CosineSimilarityMetricOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::axis>("axis", "Axis of the vectors"));
};

namespace metrics {

/// Mean of losses::mean_squared_error (keras.metrics.MeanSquaredError).
class MeanSquaredError : public NamedMeanMetric<MeanSquaredError> {
 public:
  static constexpr const char* kClassName = "MeanSquaredError";
  explicit MeanSquaredError(MetricOptions options = {});
};

/// Mean of losses::mean_absolute_error (keras.metrics.MeanAbsoluteError).
class MeanAbsoluteError : public NamedMeanMetric<MeanAbsoluteError> {
 public:
  static constexpr const char* kClassName = "MeanAbsoluteError";
  explicit MeanAbsoluteError(MetricOptions options = {});
};

/// Mean of losses::mean_absolute_percentage_error (keras.metrics.MeanAbsolutePercentageError).
class MeanAbsolutePercentageError : public NamedMeanMetric<MeanAbsolutePercentageError> {
 public:
  static constexpr const char* kClassName = "MeanAbsolutePercentageError";
  explicit MeanAbsolutePercentageError(MetricOptions options = {});
};

/// Mean of losses::mean_squared_logarithmic_error (keras.metrics.MeanSquaredLogarithmicError).
class MeanSquaredLogarithmicError : public NamedMeanMetric<MeanSquaredLogarithmicError> {
 public:
  static constexpr const char* kClassName = "MeanSquaredLogarithmicError";
  explicit MeanSquaredLogarithmicError(MetricOptions options = {});
};

/// Mean of losses::log_cosh (keras.metrics.LogCoshError).
class LogCoshError : public NamedMeanMetric<LogCoshError> {
 public:
  static constexpr const char* kClassName = "LogCoshError";
  explicit LogCoshError(MetricOptions options = {});
};

/// Root of the mean squared error (keras.metrics.RootMeanSquaredError).
class RootMeanSquaredError : public Mean {
 public:
  static constexpr const char* kClassName = "RootMeanSquaredError";
  explicit RootMeanSquaredError(MetricOptions options = {});
  std::string class_name() const override { return kClassName; }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return -1; }
  std::shared_ptr<Metric> clone() const override;
};

/// Mean of sum(y_true y_pred) over an axis of vectors scaled to length 1 (keras.metrics.CosineSimilarity).
class CosineSimilarity
    : public ConfiguredMetric<CosineSimilarity, CosineSimilarityMetricOptions, MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "CosineSimilarity";
  explicit CosineSimilarity(CosineSimilarityMetricOptions options = {});
  Json get_config() const override;
};

}  // namespace metrics
}  // namespace keras
