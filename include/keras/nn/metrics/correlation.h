// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::PearsonCorrelation.
struct PearsonCorrelationOptions {
  std::string name = "pearson_correlation";
  std::optional<DType> dtype = {};
  int axis = -1;  ///< axis of the vectors
};

/// Arguments of metrics::ConcordanceCorrelation.
struct ConcordanceCorrelationOptions {
  std::string name = "concordance_correlation";
  std::optional<DType> dtype = {};
  int axis = -1;  ///< axis of the vectors
};

template <>
struct FieldTable<PearsonCorrelationOptions> {
  using O = PearsonCorrelationOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::axis>("axis", "Axis of the vectors"));
};

template <>
struct FieldTable<ConcordanceCorrelationOptions> {
  using O = ConcordanceCorrelationOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::axis>("axis", "Axis of the vectors"));
};

namespace metrics {

/// Mean of Pearson's correlation along an axis (keras.metrics.PearsonCorrelation).
class PearsonCorrelation
    : public ConfiguredMetric<PearsonCorrelation, PearsonCorrelationOptions, MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "PearsonCorrelation";
  explicit PearsonCorrelation(PearsonCorrelationOptions options = {});
};

/// Mean of Lin's concordance correlation along an axis (keras.metrics.ConcordanceCorrelation).
class ConcordanceCorrelation
    : public ConfiguredMetric<ConcordanceCorrelation, ConcordanceCorrelationOptions, MeanMetricWrapper> {
 public:
  static constexpr const char* kClassName = "ConcordanceCorrelation";
  explicit ConcordanceCorrelation(ConcordanceCorrelationOptions options = {});
};

}  // namespace metrics
}  // namespace keras
