// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/regression.h"

#include "keras/nn/loss.h"
#include "keras/nn/losses/regression.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(MeanSquaredError, "mean_squared_error", "mse", "MSE");
KERAS_REGISTER_METRIC(MeanAbsoluteError, "mean_absolute_error", "mae", "MAE");
KERAS_REGISTER_METRIC(MeanAbsolutePercentageError, "mean_absolute_percentage_error", "mape", "MAPE");
KERAS_REGISTER_METRIC(MeanSquaredLogarithmicError, "mean_squared_logarithmic_error", "msle", "MSLE");
KERAS_REGISTER_METRIC(LogCoshError, "log_cosh_error");
KERAS_REGISTER_METRIC(RootMeanSquaredError, "root_mean_squared_error");
KERAS_REGISTER_METRIC(CosineSimilarity, "cosine_similarity");

MeanSquaredError::MeanSquaredError(MetricOptions options)
    : NamedMeanMetric(losses::mean_squared_error,
                      internal::with_name(std::move(options), "mean_squared_error"), -1) {}

MeanAbsoluteError::MeanAbsoluteError(MetricOptions options)
    : NamedMeanMetric(losses::mean_absolute_error,
                      internal::with_name(std::move(options), "mean_absolute_error"), -1) {}

MeanAbsolutePercentageError::MeanAbsolutePercentageError(MetricOptions options)
    : NamedMeanMetric(losses::mean_absolute_percentage_error,
                      internal::with_name(std::move(options), "mean_absolute_percentage_error"), -1) {}

MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(MetricOptions options)
    : NamedMeanMetric(losses::mean_squared_logarithmic_error,
                      internal::with_name(std::move(options), "mean_squared_logarithmic_error"), -1) {}

LogCoshError::LogCoshError(MetricOptions options)
    : NamedMeanMetric(losses::log_cosh, internal::with_name(std::move(options), "logcosh"), -1) {}

RootMeanSquaredError::RootMeanSquaredError(MetricOptions options)
    : Mean(internal::with_name(std::move(options), "root_mean_squared_error")) {}

void RootMeanSquaredError::update_state(const Tensor& y_true, const Tensor& y_pred,
                                        const Tensor& sample_weight) {
  const auto [t, p] =
      internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, dtype()), ops::cast(y_pred, dtype()));
  accumulate(ops::square(p - t), sample_weight);
}

Nest RootMeanSquaredError::result() const { return ops::sqrt(Mean::result().tensor()); }

std::shared_ptr<Metric> RootMeanSquaredError::clone() const {
  return std::make_shared<RootMeanSquaredError>(MetricOptions{name(), dtype()});
}

CosineSimilarity::CosineSimilarity(CosineSimilarityMetricOptions o)
    : ConfiguredMetric(
          o, [o](const Tensor& t, const Tensor& p) { return -losses::cosine_similarity(t, p, o.axis); },
          MetricOptions{o.name, o.dtype}, 1) {}

// Keras leaves the axis out of the config, but reads it.
Json CosineSimilarity::get_config() const {
  Json config = ConfiguredMetric::get_config();
  if (options_.axis == -1) config.erase("axis");
  return config;
}

}  // namespace keras::metrics
