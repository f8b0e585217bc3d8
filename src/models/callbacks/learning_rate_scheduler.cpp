// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/learning_rate_scheduler.h"

#include <fmt/format.h>

#include <cstdio>

#include "keras/models/model.h"

namespace keras::callbacks {

void LearningRateScheduler::on_epoch_begin(int64_t epoch, Logs&) {
  auto& optimizer = model()->optimizer();
  const double rate = schedule_(epoch, static_cast<double>(optimizer.learning_rate().item<float>()));
  optimizer.set_learning_rate(rate);
  if (verbose_ > 0) {
    std::fputs(
        fmt::format("\nEpoch {}: LearningRateScheduler setting learning rate to {}.\n", epoch + 1, rate)
            .c_str(),
        stdout);
  }
}

void LearningRateScheduler::on_epoch_end(int64_t, Logs& logs) {
  logs.set("learning_rate", model()->optimizer().learning_rate().item<float>());
}

}  // namespace keras::callbacks
