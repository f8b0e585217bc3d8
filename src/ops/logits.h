// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// Notes that `probabilities`, a result that nobody else holds yet, was made from `logits`; gives it back.
Tensor with_logits(Tensor probabilities, const Tensor& logits);
/// The logits from which ops::softmax or ops::sigmoid made these probabilities; undefined when they did not.
Tensor logits_of(const Tensor& probabilities);

}  // namespace keras::internal
