// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/loss.h"

namespace keras {

/// Arguments of losses::CTC.
struct CTCOptions {
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "ctc";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<CTCOptions> {
  static constexpr auto fields = field_list(loss_fields<CTCOptions>());
};

namespace losses {

/// ops::ctc_loss of labels y_true (N, labels), filled up with 0, and logits y_pred (N, steps, classes), whose
/// class 0 is the blank; every step counts (Graves et al., 2006). Throws ValueError for other ranks.
Tensor ctc(const Tensor& y_true, const Tensor& y_pred);

/// ctc, reduced (keras.losses.CTC).
class CTC : public ConfiguredLoss<CTC, CTCOptions> {
 public:
  static constexpr const char* kClassName = "CTC";
  explicit CTC(CTCOptions options = {}) : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

}  // namespace losses
}  // namespace keras
