// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/models/callback.h"
#include "keras/nn/optimizer.h"

namespace keras::callbacks {

/// Arguments of SwapEMAWeights, as in Keras.
struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;  ///< also from the end of an epoch to the beginning of the next
};

/// Puts the optimizer's moving averages in the place of the weights during evaluation and prediction, so that
/// the averages are what is judged (and, with swap_on_epoch, what other callbacks save)
/// (keras.callbacks.SwapEMAWeights). Throws ValueError when the optimizer has no averages.
class SwapEMAWeights : public Callback {
 public:
  using Options = SwapEMAWeightsOptions;
  explicit SwapEMAWeights(Options options = {}) : options_(options) {}
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_test_begin(Logs& logs) override;
  void on_test_end(Logs& logs) override;
  void on_predict_begin(Logs& logs) override;
  void on_predict_end(Logs& logs) override;

 private:
  const Optimizer& averaging_optimizer() const;
  void put(bool averages_in_model);

  Options options_;
  bool averages_in_model_ = false;
};

}  // namespace keras::callbacks
