// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/regression.h"

#include <cmath>

#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(MeanSquaredError, "mean_squared_error", "mse", "MSE");
KERAS_REGISTER_LOSS(MeanAbsoluteError, "mean_absolute_error", "mae", "MAE");
KERAS_REGISTER_LOSS(MeanAbsolutePercentageError, "mean_absolute_percentage_error", "mape", "MAPE");
KERAS_REGISTER_LOSS(MeanSquaredLogarithmicError, "mean_squared_logarithmic_error", "msle", "MSLE");
KERAS_REGISTER_LOSS(LogCosh, "log_cosh");
KERAS_REGISTER_LOSS(Huber, "huber");
KERAS_REGISTER_LOSS(CosineSimilarity, "cosine_similarity");

namespace {

struct Pair {
  Tensor labels, predictions;
};

Pair alike(const Tensor& y_true, const Tensor& y_pred) {
  auto [t, p] = internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, y_pred.dtype()), y_pred);
  return {std::move(t), std::move(p)};
}

}  // namespace

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = alike(y_true, y_pred);
  return ops::mean(ops::square(t - p), -1);
}

Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = alike(y_true, y_pred);
  return ops::mean(ops::abs(t - p), -1);
}

Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = alike(y_true, y_pred);
  return 100.0 * ops::mean(ops::abs((t - p) / ops::maximum(ops::abs(t), config::epsilon())), -1);
}

Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = alike(y_true, y_pred);
  const auto logarithm = [](const Tensor& x) { return ops::log(ops::maximum(x, config::epsilon()) + 1.0); };
  return ops::mean(ops::square(logarithm(p) - logarithm(t)), -1);
}

Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = alike(y_true, y_pred);
  const Tensor e = p - t;
  return ops::mean(e + ops::softplus(e * -2.0) - std::log(2.0), -1);
}

Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta) {
  const auto [t, p] = alike(y_true, y_pred);
  const Tensor error = p - t;
  const Tensor size = ops::abs(error);
  return ops::mean(ops::where(size <= delta, 0.5 * ops::square(error), delta * size - 0.5 * delta * delta),
                   -1);
}

Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const auto [t, p] = alike(y_true, y_pred);
  return -ops::sum(ops::normalize(t, {axis}) * ops::normalize(p, {axis}), axis);
}

namespace {

// Keras 3.15 leaves these arguments out of the config and 3.16 writes them; both read both.
Json without_default(Json config, const char* key, const Json& value) {
  if (config[key] == value) config.erase(key);
  return config;
}

}  // namespace

Json Huber::get_config() const { return without_default(ConfiguredLoss::get_config(), "delta", 1.0); }
Tensor Huber::values(const Tensor& y_true, const Tensor& y_pred) const {
  return huber(y_true, y_pred, options_.delta);
}

Json CosineSimilarity::get_config() const {
  return without_default(ConfiguredLoss::get_config(), "axis", -1);
}
Tensor CosineSimilarity::values(const Tensor& y_true, const Tensor& y_pred) const {
  return cosine_similarity(y_true, y_pred, options_.axis);
}

}  // namespace keras::losses
