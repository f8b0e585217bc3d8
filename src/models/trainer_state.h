// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keras/models/training.h"
#include "models/compile_loss.h"
#include "models/compile_metrics.h"

namespace keras::internal {

/// What compile made; shared by copies of a model.
struct TrainerState {
  bool compiled = false;
  CompileOptions options;
  std::shared_ptr<Optimizer> optimizer;
  std::unique_ptr<CompileLoss> loss;
  std::unique_ptr<CompileMetrics> metrics;
  std::shared_ptr<metrics::Mean> loss_tracker;
  bool stop_training = false;
};

}  // namespace keras::internal
