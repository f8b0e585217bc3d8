// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::BinaryCrossentropy.
struct BinaryCrossentropyMetricOptions {
  std::string name = "binary_crossentropy";
  std::optional<DType> dtype = {};
  bool from_logits = false;    ///< y_pred are logits
  double label_smoothing = 0;  ///< how far labels are moved towards 1/2
};

/// Arguments of metrics::CategoricalCrossentropy.
struct CategoricalCrossentropyMetricOptions {
  std::string name = "categorical_crossentropy";
  std::optional<DType> dtype = {};
  bool from_logits = false;    ///< y_pred are logits
  double label_smoothing = 0;  ///< how far labels are moved towards equal
  int axis = -1;               ///< axis of the classes
};

/// Arguments of metrics::SparseCategoricalCrossentropy.
struct SparseCategoricalCrossentropyMetricOptions {
  std::string name = "sparse_categorical_crossentropy";
  std::optional<DType> dtype = {};
  bool from_logits = false;                  ///< y_pred are logits
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing
  int axis = -1;                             ///< axis of the classes
};

template <>
struct FieldTable<BinaryCrossentropyMetricOptions> {
  using O = BinaryCrossentropyMetricOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::from_logits>("from_logits", "Y_pred are logits"),
                 field<&O::label_smoothing>("label_smoothing", "How far labels are moved towards 1/2"));
};

template <>
struct FieldTable<CategoricalCrossentropyMetricOptions> {
  using O = CategoricalCrossentropyMetricOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::from_logits>("from_logits", "Y_pred are logits"),
                 field<&O::label_smoothing>("label_smoothing", "How far labels are moved towards equal"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

template <>
struct FieldTable<SparseCategoricalCrossentropyMetricOptions> {
  using O = SparseCategoricalCrossentropyMetricOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::from_logits>("from_logits", "Y_pred are logits"),
                 field<&O::ignore_class>("ignore_class", "Labels that count nothing"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

namespace metrics {

/// Mean of losses::kl_divergence (keras.metrics.KLDivergence).
class KLDivergence : public NamedMeanMetric<KLDivergence> {
 public:
  static constexpr const char* kClassName = "KLDivergence";
  explicit KLDivergence(MetricOptions options = {});
};

/// Mean of losses::poisson (keras.metrics.Poisson).
class Poisson : public NamedMeanMetric<Poisson> {
 public:
  static constexpr const char* kClassName = "Poisson";
  explicit Poisson(MetricOptions options = {});
};

/// Mean of losses::binary_crossentropy (keras.metrics.BinaryCrossentropy).
class BinaryCrossentropy
    : public ConfiguredMetric<BinaryCrossentropy, BinaryCrossentropyMetricOptions, MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "BinaryCrossentropy";
  explicit BinaryCrossentropy(BinaryCrossentropyMetricOptions options = {});
};

/// Mean of losses::categorical_crossentropy (keras.metrics.CategoricalCrossentropy).
class CategoricalCrossentropy
    : public ConfiguredMetric<CategoricalCrossentropy, CategoricalCrossentropyMetricOptions,
                              MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "CategoricalCrossentropy";
  explicit CategoricalCrossentropy(CategoricalCrossentropyMetricOptions options = {});
};

/// Mean of losses::sparse_categorical_crossentropy (keras.metrics.SparseCategoricalCrossentropy).
class SparseCategoricalCrossentropy
    : public ConfiguredMetric<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyMetricOptions,
                              MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "SparseCategoricalCrossentropy";
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyMetricOptions options = {});
};

}  // namespace metrics
}  // namespace keras
