// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/models/callbacks/monitor_callback.h"

namespace keras::callbacks {

/// Arguments of ReduceLROnPlateau, as in Keras.
struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";  ///< the log that is watched
  double factor = 0.1;               ///< of the learning rate, below 1
  int64_t patience = 10;             ///< epochs without improvement that are endured
  int verbose = 0;                   ///< 1: says what it does
  std::string mode = "auto";         ///< "min", "max", or by the metric's direction
  double min_delta = 1e-4;           ///< a smaller change is no improvement
  int64_t cooldown = 0;              ///< epochs to wait after a reduction
  double min_lr = 0.0;               ///< lowest learning rate
};

/// Lowers the learning rate when a log no longer improves (keras.callbacks.ReduceLROnPlateau), and adds
/// "learning_rate" to the logs. Throws ValueError for a factor that is not below 1.
class ReduceLROnPlateau : public MonitorCallback {
 public:
  using Options = ReduceLROnPlateauOptions;
  explicit ReduceLROnPlateau(Options options = {});
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  /// Whether it waits after a reduction.
  bool in_cooldown() const { return cooldown_counter_ > 0; }

 private:
  bool reduce(int64_t epoch);

  Options options_;
  int64_t cooldown_counter_ = 0;
  int64_t wait_ = 0;
};

}  // namespace keras::callbacks
