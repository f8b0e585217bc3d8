// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/overlap.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(Dice, "dice");
KERAS_REGISTER_LOSS(Tversky, "tversky");

Tensor dice(const Tensor& y_true, const Tensor& y_pred, const ops::Axis& axis) {
  const Tensor t = ops::cast(y_true, y_pred.dtype());
  const Tensor common = ops::sum(t * y_pred, axis);
  return 1 - 2.0 * common / (ops::sum(t, axis) + ops::sum(y_pred, axis) + config::epsilon());
}

Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha, double beta, const ops::Axis& axis) {
  const Tensor t = ops::cast(y_true, y_pred.dtype());
  const Tensor common = ops::sum(y_pred * t, axis);
  const Tensor false_positives = ops::sum((1 - t) * y_pred, axis);
  const Tensor false_negatives = ops::sum(t * (1 - y_pred), axis);
  return 1 - common / (common + false_positives * alpha + false_negatives * beta + config::epsilon());
}

Tensor Dice::values(const Tensor& y_true, const Tensor& y_pred) const {
  return dice(y_true, y_pred, options_.axis);
}

Tensor Tversky::values(const Tensor& y_true, const Tensor& y_pred) const {
  return tversky(y_true, y_pred, options_.alpha, options_.beta, options_.axis);
}

}  // namespace keras::losses
