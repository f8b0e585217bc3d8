// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/probabilistic.h"

#include "keras/nn/losses/crossentropy.h"
#include "keras/nn/losses/probabilistic.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(KLDivergence, "kl_divergence");
KERAS_REGISTER_METRIC(Poisson, "poisson");
KERAS_REGISTER_METRIC(BinaryCrossentropy, "binary_crossentropy", "bce", "BCE");
KERAS_REGISTER_METRIC(CategoricalCrossentropy, "categorical_crossentropy");
KERAS_REGISTER_METRIC(SparseCategoricalCrossentropy, "sparse_categorical_crossentropy");

KLDivergence::KLDivergence(MetricOptions options)
    : NamedMeanMetric(losses::kl_divergence, internal::with_name(std::move(options), "kl_divergence"), -1) {}

Poisson::Poisson(MetricOptions options)
    : NamedMeanMetric(losses::poisson, internal::with_name(std::move(options), "poisson"), -1) {}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyMetricOptions o)
    : ConfiguredMetric(
          o,
          [o](const Tensor& t, const Tensor& p) {
            return losses::binary_crossentropy(t, p, o.from_logits, o.label_smoothing);
          },
          MetricOptions{o.name, o.dtype}, -1) {}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyMetricOptions o)
    : ConfiguredMetric(
          o,
          [o](const Tensor& t, const Tensor& p) {
            return losses::categorical_crossentropy(t, p, o.from_logits, o.label_smoothing, o.axis);
          },
          MetricOptions{o.name, o.dtype}, -1) {}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyMetricOptions o)
    : ConfiguredMetric(
          o,
          [o](const Tensor& t, const Tensor& p) {
            return losses::sparse_categorical_crossentropy(t, p, o.from_logits, o.ignore_class, o.axis);
          },
          MetricOptions{o.name, o.dtype}, -1) {}

}  // namespace keras::metrics
