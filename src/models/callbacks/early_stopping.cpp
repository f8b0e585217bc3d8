// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/early_stopping.h"

#include <cstdio>

#include "keras/models/model.h"

namespace keras::callbacks {

EarlyStopping::EarlyStopping(Options options)
    : MonitorCallback(options.monitor, options.mode, std::nullopt, options.min_delta),
      options_(std::move(options)) {}

void EarlyStopping::on_train_begin(Logs&) {
  wait_ = stopped_epoch_ = best_epoch_ = 0;
  best_.reset();
  best_weights_.clear();
}

void EarlyStopping::on_epoch_end(int64_t epoch, Logs& logs) {
  find_direction();
  const LogValue* log = logs.find(monitor());
  if (log == nullptr) {
    std::fprintf(stderr, "keras: EarlyStopping watches '%s', which is not among the logs: %s\n",
                 monitor().c_str(), logs.names().c_str());
    return;
  }
  if (epoch < options_.start_from_epoch) return;
  const double current = *log;
  const bool restores = options_.restore_best_weights;
  if (restores && best_weights_.empty()) {
    best_weights_ = model()->get_weights();
    best_epoch_ = epoch;
  }
  ++wait_;
  if (improves(current, best_)) {
    best_ = current;
    best_epoch_ = epoch;
    if (restores) best_weights_ = model()->get_weights();
    // Patience begins anew only for what beats the baseline, too.
    if (improves(current, options_.baseline)) wait_ = 0;
    return;
  }
  if (wait_ >= options_.patience && epoch > 0) {
    stopped_epoch_ = epoch;
    model()->stop_training();
  }
}

void EarlyStopping::on_train_end(Logs&) {
  if (stopped_epoch_ > 0 && options_.verbose > 0) {
    std::printf("Epoch %lld: early stopping\n", static_cast<long long>(stopped_epoch_ + 1));
  }
  if (best_weights_.empty()) return;
  if (options_.verbose > 0) {
    std::printf("Restoring model weights from the end of the best epoch: %lld.\n",
                static_cast<long long>(best_epoch_ + 1));
  }
  model()->set_weights(best_weights_);
}

}  // namespace keras::callbacks
