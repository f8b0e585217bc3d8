// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/metric.h"

namespace keras {

namespace metrics {

/// Mean of losses::hinge (keras.metrics.Hinge).
class Hinge : public NamedMeanMetric<Hinge> {
 public:
  static constexpr const char* kClassName = "Hinge";
  explicit Hinge(MetricOptions options = {});
};

/// Mean of losses::squared_hinge (keras.metrics.SquaredHinge).
class SquaredHinge : public NamedMeanMetric<SquaredHinge> {
 public:
  static constexpr const char* kClassName = "SquaredHinge";
  explicit SquaredHinge(MetricOptions options = {});
};

/// Mean of losses::categorical_hinge (keras.metrics.CategoricalHinge).
class CategoricalHinge : public NamedMeanMetric<CategoricalHinge> {
 public:
  static constexpr const char* kClassName = "CategoricalHinge";
  explicit CategoricalHinge(MetricOptions options = {});
};

}  // namespace metrics
}  // namespace keras
