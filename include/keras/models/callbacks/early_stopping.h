// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "keras/models/callbacks/monitor_callback.h"

namespace keras::callbacks {

/// Arguments of EarlyStopping, as in Keras.
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";     ///< the log that is watched
  double min_delta = 0;                 ///< a smaller change is no improvement
  int64_t patience = 0;                 ///< epochs without improvement that are endured
  int verbose = 0;                      ///< 1: says when it stops
  std::string mode = "auto";            ///< "min", "max", or by the metric's direction
  std::optional<double> baseline = {};  ///< only what beats this, too, counts against patience
  bool restore_best_weights = false;    ///< put the weights of the best epoch back
  int64_t start_from_epoch = 0;         ///< epochs before it begins to watch
};

/// Ends training when a log no longer improves (keras.callbacks.EarlyStopping); never at the first epoch.
class EarlyStopping : public MonitorCallback {
 public:
  using Options = EarlyStoppingOptions;
  explicit EarlyStopping(Options options = {});
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;
  /// The epoch at which it stopped; 0 when it did not.
  int64_t stopped_epoch() const { return stopped_epoch_; }
  /// The epoch of the best value.
  int64_t best_epoch() const { return best_epoch_; }

 private:
  Options options_;
  int64_t wait_ = 0;
  int64_t stopped_epoch_ = 0;
  int64_t best_epoch_ = 0;
  std::vector<Tensor> best_weights_;
};

}  // namespace keras::callbacks
