// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/probabilistic.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(KLDivergence, "kl_divergence", "kld", "KLD");
KERAS_REGISTER_LOSS(Poisson, "poisson");

Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor t = ops::clip(ops::cast(y_true, y_pred.dtype()), config::epsilon(), 1);
  const Tensor p = ops::clip(y_pred, config::epsilon(), 1);
  return ops::sum(t * ops::log(t / p), -1);
}

Tensor poisson(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor t = ops::cast(y_true, y_pred.dtype());
  return ops::mean(y_pred - t * ops::log(y_pred + config::epsilon()), -1);
}

}  // namespace keras::losses
