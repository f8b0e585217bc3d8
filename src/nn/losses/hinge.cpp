// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/hinge.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(Hinge, "hinge");
KERAS_REGISTER_LOSS(SquaredHinge, "squared_hinge");
KERAS_REGISTER_LOSS(CategoricalHinge, "categorical_hinge");

namespace {

// Labels that are all 0 or 1 become -1 or 1.
Tensor signed_labels(const Tensor& y_true) {
  const Tensor binary = ops::all(ops::logical_or(y_true == 0, y_true == 1));
  return ops::where(binary, 2.0 * y_true - 1.0, y_true);
}

Tensor shortfall(const Tensor& y_true, const Tensor& y_pred) {
  return ops::maximum(1.0 - signed_labels(ops::cast(y_true, y_pred.dtype())) * y_pred, 0.0);
}

}  // namespace

Tensor hinge(const Tensor& y_true, const Tensor& y_pred) { return ops::mean(shortfall(y_true, y_pred), -1); }

Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred) {
  return ops::mean(ops::square(shortfall(y_true, y_pred)), -1);
}

Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor t = ops::cast(y_true, y_pred.dtype());
  const Tensor positive = ops::sum(t * y_pred, -1);
  const Tensor negative = ops::max((1.0 - t) * y_pred, -1);
  return ops::maximum(negative - positive + 1.0, 0.0);
}

}  // namespace keras::losses
