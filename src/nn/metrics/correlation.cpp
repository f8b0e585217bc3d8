// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/correlation.h"

#include "keras/nn/loss.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(PearsonCorrelation, "pearson_correlation");
KERAS_REGISTER_METRIC(ConcordanceCorrelation, "concordance_correlation");

namespace {

Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const auto [t, p] = internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, y_pred.dtype()), y_pred);
  const auto standardized = [axis](const Tensor& x) {
    const Tensor centered = x - ops::mean(x, axis, true);
    return centered / ops::std(centered, axis, true);
  };
  return ops::mean(standardized(t) * standardized(p), axis);
}

// The covariance is taken around the predictions' mean on both sides, as in Keras.
Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const auto [t, p] = internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, y_pred.dtype()), y_pred);
  const Tensor t_mean = ops::mean(t, axis, true);
  const Tensor p_mean = ops::mean(p, axis, true);
  const Tensor scale =
      ops::var(t - t_mean, axis, true) + ops::var(p - p_mean, axis, true) + ops::square(t_mean - p_mean);
  return ops::mean(2 * (t - p_mean) * (p - p_mean) / (scale + config::epsilon()), axis);
}

}  // namespace

PearsonCorrelation::PearsonCorrelation(PearsonCorrelationOptions o)
    : ConfiguredMetric(
          o, [axis = o.axis](const Tensor& t, const Tensor& p) { return pearson_correlation(t, p, axis); },
          MetricOptions{o.name, o.dtype}, 1) {}

ConcordanceCorrelation::ConcordanceCorrelation(ConcordanceCorrelationOptions o)
    : ConfiguredMetric(
          o,
          [axis = o.axis](const Tensor& t, const Tensor& p) { return concordance_correlation(t, p, axis); },
          MetricOptions{o.name, o.dtype}, 1) {}

}  // namespace keras::metrics
