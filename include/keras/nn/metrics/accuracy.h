// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/metric.h"

namespace keras {

struct BinaryAccuracyOptions {
  std::string name = "binary_accuracy";
  std::optional<DType> dtype = {};
  double threshold = 0.5;  ///< predictions above count as 1
};

template <>
struct FieldTable<BinaryAccuracyOptions> {
  using O = BinaryAccuracyOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::threshold>("threshold", "Predictions above count as 1"));
};

namespace metrics {

/// How often labels equal predictions (keras.metrics.Accuracy).
class Accuracy : public NamedMeanMetric<Accuracy> {
 public:
  static constexpr const char* kClassName = "Accuracy";
  explicit Accuracy(MetricOptions options = {.name = "accuracy"});
};

/// How often labels equal thresholded predictions (keras.metrics.BinaryAccuracy).
class BinaryAccuracy : public MeanMetricWrapper {
 public:
  static constexpr const char* kClassName = "BinaryAccuracy";
  using Options = BinaryAccuracyOptions;
  explicit BinaryAccuracy(BinaryAccuracyOptions options = {});
  std::string class_name() const override { return kClassName; }
  Json get_config() const override;
  std::shared_ptr<Metric> clone() const override { return std::make_shared<BinaryAccuracy>(options_); }

 private:
  BinaryAccuracyOptions options_;
};

/// How often the largest prediction is at the label's one (keras.metrics.CategoricalAccuracy).
class CategoricalAccuracy : public NamedMeanMetric<CategoricalAccuracy> {
 public:
  static constexpr const char* kClassName = "CategoricalAccuracy";
  explicit CategoricalAccuracy(MetricOptions options = {.name = "categorical_accuracy"});
};

/// How often the largest prediction is at the integer label (keras.metrics.SparseCategoricalAccuracy).
class SparseCategoricalAccuracy : public NamedMeanMetric<SparseCategoricalAccuracy> {
 public:
  static constexpr const char* kClassName = "SparseCategoricalAccuracy";
  explicit SparseCategoricalAccuracy(MetricOptions options = {.name = "sparse_categorical_accuracy"});
};

}  // namespace metrics
}  // namespace keras
