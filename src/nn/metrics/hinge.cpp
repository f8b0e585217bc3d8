// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/hinge.h"

#include "keras/nn/losses/hinge.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(Hinge, "hinge");
KERAS_REGISTER_METRIC(SquaredHinge, "squared_hinge");
KERAS_REGISTER_METRIC(CategoricalHinge, "categorical_hinge");

Hinge::Hinge(MetricOptions options)
    : NamedMeanMetric(losses::hinge, internal::with_name(std::move(options), "hinge"), -1) {}

SquaredHinge::SquaredHinge(MetricOptions options)
    : NamedMeanMetric(losses::squared_hinge, internal::with_name(std::move(options), "squared_hinge"), -1) {}

CategoricalHinge::CategoricalHinge(MetricOptions options)
    : NamedMeanMetric(losses::categorical_hinge, internal::with_name(std::move(options), "categorical_hinge"),
                      -1) {}

}  // namespace keras::metrics
