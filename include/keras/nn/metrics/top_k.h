// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::TopKCategoricalAccuracy.
struct TopKCategoricalAccuracyOptions {
  int64_t k = 5;  ///< how many of the largest predictions count
  std::string name = "top_k_categorical_accuracy";
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::SparseTopKCategoricalAccuracy.
struct SparseTopKCategoricalAccuracyOptions {
  int64_t k = 5;                 ///< how many of the largest predictions count
  bool from_sorted_ids = false;  ///< y_pred are class ids, the likeliest first
  std::string name = "sparse_top_k_categorical_accuracy";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<TopKCategoricalAccuracyOptions> {
  using O = TopKCategoricalAccuracyOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::k>("k", "How many of the largest predictions count"));
};

template <>
struct FieldTable<SparseTopKCategoricalAccuracyOptions> {
  using O = SparseTopKCategoricalAccuracyOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::k>("k", "How many of the largest predictions count"),
                 field<&O::from_sorted_ids>("from_sorted_ids", "Y_pred are class ids, the likeliest first"));
};

namespace metrics {

/// How often the one-hot label is among the k largest predictions (keras.metrics.TopKCategoricalAccuracy).
class TopKCategoricalAccuracy
    : public ConfiguredMetric<TopKCategoricalAccuracy, TopKCategoricalAccuracyOptions, MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "TopKCategoricalAccuracy";
  explicit TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions options = {});
};

/// How often the integer label is among the k largest predictions
/// (keras.metrics.SparseTopKCategoricalAccuracy).
class SparseTopKCategoricalAccuracy
    : public ConfiguredMetric<SparseTopKCategoricalAccuracy, SparseTopKCategoricalAccuracyOptions,
                              MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "SparseTopKCategoricalAccuracy";
  explicit SparseTopKCategoricalAccuracy(SparseTopKCategoricalAccuracyOptions options = {});
  Json get_config() const override;
};

}  // namespace metrics
}  // namespace keras
