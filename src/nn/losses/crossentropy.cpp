// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/crossentropy.h"

#include "keras/ops/crossentropy.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(SparseCategoricalCrossentropy, "sparse_categorical_crossentropy");

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                       std::optional<int64_t> ignore_class, int axis) {
  if (!ignore_class) return ops::sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis);
  Tensor labels = y_true;
  if (labels.rank() == y_pred.rank() && labels.dim(-1) == Dim(1)) labels = ops::squeeze(labels, -1);
  const Tensor valid = ops::not_equal(labels, ops::cast(Tensor(*ignore_class), labels.dtype()));
  const Tensor known = ops::where(valid, labels, ops::zeros_like(labels));
  const Tensor values = ops::sparse_categorical_crossentropy(known, y_pred, from_logits, axis);
  const Tensor out = ops::where(valid, values, ops::zeros_like(values));
  out.set_mask(valid);
  return out;
}

}  // namespace keras::losses
