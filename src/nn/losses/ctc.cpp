// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/ctc.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/ctc.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/extent.h"

namespace keras::losses {

KERAS_REGISTER_LOSS(CTC, "ctc");

Tensor ctc(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.rank() != 2 || y_pred.rank() != 3) {
    internal::fail<ValueError>(
        {"ctc", "y_true must be (samples, labels) and y_pred (samples, steps, classes)",
         fmt::format("{} and {}", y_true.shape().to_string(), y_pred.shape().to_string()), ""});
  }
  const Tensor labels = ops::cast(y_true, DType::int32);
  const Tensor counts = ops::cast(ops::sum(ops::cast(labels != Tensor(0), DType::int32), -1), DType::int32);
  const Tensor steps = ops::zeros_like(counts) + ops::cast(internal::extent(y_pred, 1), DType::int32);
  return ops::ctc_loss(labels, y_pred, counts, steps, 0);
}

Tensor CTC::values(const Tensor& y_true, const Tensor& y_pred) const { return ctc(y_true, y_pred); }

}  // namespace keras::losses
