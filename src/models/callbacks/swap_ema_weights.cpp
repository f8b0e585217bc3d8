// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/swap_ema_weights.h"

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/nn/optimizers/loss_scale_optimizer.h"

namespace keras::callbacks {

const Optimizer& SwapEMAWeights::averaging_optimizer() const {
  const Optimizer* optimizer = &model()->optimizer();
  if (const auto* scaled = dynamic_cast<const optimizers::LossScaleOptimizer*>(optimizer)) {
    optimizer = &scaled->inner();
  }
  if (optimizer->moving_averages().empty()) {
    internal::fail<ValueError>(
        {"SwapEMAWeights", "The optimizer must keep moving averages of the weights",
         optimizer->settings().use_ema ? "an optimizer that is not built yet" : "use_ema=false",
         "give the optimizer use_ema, and train before evaluating"});
  }
  return *optimizer;
}

void SwapEMAWeights::put(bool averages_in_model) {
  if (averages_in_model_ == averages_in_model) return;
  const auto& averages = averaging_optimizer().moving_averages();
  const auto variables = model()->trainable_variables();
  for (size_t i = 0; i < variables.size() && i < averages.size(); ++i) {
    const Tensor weight = variables[i].value();
    variables[i].assign(averages[i].value());
    averages[i].assign(weight);
  }
  averages_in_model_ = averages_in_model;
}

void SwapEMAWeights::on_epoch_begin(int64_t, Logs&) {
  if (options_.swap_on_epoch) put(false);
}

void SwapEMAWeights::on_epoch_end(int64_t epoch, Logs&) {
  if (!options_.swap_on_epoch) return;
  put(true);
  // At its end fit writes the averages into the model, where they are already; what it writes must be they.
  if (epoch != params().epochs - 1 && !model()->training_stopped()) return;
  const auto& averages = averaging_optimizer().moving_averages();
  const auto variables = model()->trainable_variables();
  for (size_t i = 0; i < variables.size() && i < averages.size(); ++i)
    averages[i].assign(variables[i].value());
}

void SwapEMAWeights::on_test_begin(Logs&) { put(true); }
void SwapEMAWeights::on_test_end(Logs&) { put(false); }
void SwapEMAWeights::on_predict_begin(Logs&) { put(true); }
void SwapEMAWeights::on_predict_end(Logs&) { put(false); }

}  // namespace keras::callbacks
