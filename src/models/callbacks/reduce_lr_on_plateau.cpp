// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/reduce_lr_on_plateau.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/model.h"

namespace keras::callbacks {

ReduceLROnPlateau::ReduceLROnPlateau(Options options)
    : MonitorCallback(options.monitor, options.mode, std::nullopt, options.min_delta),
      options_(std::move(options)) {
  if (!(options_.factor < 1.0)) {
    internal::fail<ValueError>(
        {"ReduceLROnPlateau", "factor must be below 1", fmt::format("factor={}", options_.factor), ""});
  }
}

void ReduceLROnPlateau::on_train_begin(Logs&) {
  best_.reset();
  cooldown_counter_ = wait_ = 0;
}

bool ReduceLROnPlateau::reduce(int64_t epoch) {
  auto& optimizer = model()->optimizer();
  const auto old = static_cast<double>(optimizer.learning_rate().item<float>());
  if (!(old > static_cast<double>(static_cast<float>(options_.min_lr)))) return false;
  const double rate = std::max(old * options_.factor, options_.min_lr);
  optimizer.set_learning_rate(rate);
  if (options_.verbose > 0) {
    std::fputs(
        fmt::format("\nEpoch {}: ReduceLROnPlateau reducing learning rate to {}.\n", epoch + 1, rate).c_str(),
        stdout);
  }
  return true;
}

void ReduceLROnPlateau::on_epoch_end(int64_t epoch, Logs& logs) {
  find_direction();
  logs.set("learning_rate", model()->optimizer().learning_rate().item<float>());
  const LogValue* log = logs.find(monitor());
  if (log == nullptr) {
    std::fprintf(stderr, "keras: ReduceLROnPlateau watches '%s', which is not among the logs: %s\n",
                 monitor().c_str(), logs.names().c_str());
    return;
  }
  if (in_cooldown()) {
    --cooldown_counter_;
    wait_ = 0;
  }
  const double current = *log;
  if (improves(current, best_)) {
    best_ = current;
    wait_ = 0;
  } else if (!in_cooldown()) {
    ++wait_;
    if (wait_ >= options_.patience && reduce(epoch)) {
      cooldown_counter_ = options_.cooldown;
      wait_ = 0;
    }
  }
}

}  // namespace keras::callbacks
