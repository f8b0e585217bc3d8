// SPDX-License-Identifier: Apache-2.0
#include "ops/logits.h"

namespace keras::internal {

Tensor with_logits(Tensor probabilities, const Tensor& logits) {
  probabilities.impl().logits = std::make_shared<const Tensor>(logits);
  return probabilities;
}

Tensor logits_of(const Tensor& probabilities) {
  const auto& logits = probabilities.impl().logits;
  return logits == nullptr ? Tensor() : *logits;
}

}  // namespace keras::internal
