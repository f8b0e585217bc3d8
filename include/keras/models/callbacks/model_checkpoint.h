// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/models/callbacks/monitor_callback.h"
#include "keras/models/callbacks/save_frequency.h"

namespace keras::callbacks {

/// Arguments of ModelCheckpoint beside the path, as in Keras.
struct ModelCheckpointOptions {
  std::string monitor = "val_loss";                    ///< the log that is watched
  int verbose = 0;                                     ///< 1: says what it does
  bool save_best_only = false;                         ///< only when the watched log is the best so far
  bool save_weights_only = false;                      ///< weights instead of the whole model
  std::string mode = "auto";                           ///< "min", "max", or by the metric's direction
  SaveFrequency save_freq = "epoch";                   ///< "epoch", or a number of batches
  std::optional<double> initial_value_threshold = {};  ///< the first value to beat
};

/// Saves the model, or its weights, during training (keras.callbacks.ModelCheckpoint). The path may have
/// places for the epoch (from 1), the batch (from 1) and the logs, in Python's format:
/// "weights.{epoch:02d}-{val_loss:.2f}.keras". Throws ValueError for a path that does not end in ".keras" (or
/// ".weights.h5" with save_weights_only), or for a place that no log fills.
class ModelCheckpoint : public MonitorCallback {
 public:
  using Options = ModelCheckpointOptions;
  explicit ModelCheckpoint(std::string filepath, Options options = {});
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;

 private:
  void save(int64_t epoch, std::optional<int64_t> batch, const Logs& logs);
  bool should_save(int64_t epoch, const Logs& logs, const std::string& path);
  std::string path_for(int64_t epoch, std::optional<int64_t> batch, const Logs& logs) const;

  std::string filepath_;
  Options options_;
  int64_t epoch_ = 0;
};

}  // namespace keras::callbacks
