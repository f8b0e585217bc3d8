// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keras/models/callbacks/history.h"
#include "keras/models/training.h"
#include "models/compile_loss.h"
#include "models/compile_metrics.h"
#include "models/traced_steps.h"

namespace keras::internal {

/// What compile made; shared by copies of a model.
struct TrainerState {
  bool compiled = false;
  CompileOptions options;
  std::shared_ptr<Optimizer> optimizer;
  std::shared_ptr<Optimizer> given_optimizer;  ///< without the loss scaling that compile puts around it
  /// What training updates: fixed by the first step after compile, as in Keras' compiled step.
  std::optional<std::vector<Variable>> training_variables;
  std::unique_ptr<CompileLoss> loss;
  std::unique_ptr<CompileMetrics> metrics;
  std::shared_ptr<metrics::Mean> loss_tracker;
  std::shared_ptr<callbacks::History> history;
  std::optional<int64_t> initial_epoch;  ///< set by a callback that continues a training
  bool stop_training = false;
  bool stop_evaluating = false;
  std::atomic<bool> stop_predicting = false;  ///< predict may run on several threads
  /// The three steps, traced; made anew by compile.
  std::unique_ptr<TracedSteps> steps = std::make_unique<TracedSteps>();
};

}  // namespace keras::internal
