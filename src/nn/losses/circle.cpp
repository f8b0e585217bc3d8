// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/circle.h"

#include <limits>

#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(Circle, "circle");

Tensor circle(const Tensor& y_true, const Tensor& y_pred, const Tensor& ref_labels,
              const Tensor& ref_embeddings, bool remove_diagonal, double gamma, double margin) {
  const auto column = [](const Tensor& labels) {
    const Tensor whole = ops::cast(labels, DType::int32);
    return whole.rank() == 1 ? ops::reshape(whole, {-1, 1}) : whole;
  };
  const Tensor own = column(y_true);
  const Tensor others = ops::transpose(ref_labels.defined() ? column(ref_labels) : own);
  const Tensor& references = ref_embeddings.defined() ? ref_embeddings : y_pred;
  const Tensor distances = ops::maximum(1.0 - ops::matmul(y_pred, ops::transpose(references)), 0.0);

  Tensor positive = ops::equal(own, others);
  const Tensor negative = ops::logical_not(positive);
  if (remove_diagonal) {
    // Positions by counting, so that the number of samples may be unknown when this is traced.
    const Tensor rows = ops::cumsum(ops::ones_like(own), 0);
    const Tensor columns = ops::cumsum(ops::ones_like(others), 1);
    positive = ops::logical_and(positive, ops::not_equal(rows, columns));
  }
  const auto weight = [&](const Tensor& w, const Tensor& chosen) {
    return ops::maximum(w * ops::cast(chosen, distances.dtype()), 0.0);
  };
  const Tensor pulled = -gamma * weight(margin + distances, positive) * (margin - distances);
  const Tensor pushed = gamma * weight(1 + margin - distances, negative) * (1 - margin - distances);
  const double none = -std::numeric_limits<double>::infinity();
  const Tensor together = ops::logsumexp(ops::where(positive, pulled, none), 1) +
                          ops::logsumexp(ops::where(negative, pushed, none), 1);
  const Tensor out = ops::softplus(together);
  out.set_mask(out > 0);
  return out;
}

Tensor Circle::values(const Tensor& y_true, const Tensor& y_pred) const {
  return circle(y_true, y_pred, {}, {}, options_.remove_diagonal, options_.gamma, options_.margin);
}

}  // namespace keras::losses
