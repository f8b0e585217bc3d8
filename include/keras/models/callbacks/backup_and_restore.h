// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "keras/models/callback.h"
#include "keras/models/callbacks/save_frequency.h"

namespace keras::callbacks {

/// Arguments of BackupAndRestore beside the directory, as in Keras.
struct BackupAndRestoreOptions {
  SaveFrequency save_freq = "epoch";  ///< "epoch", or a number of batches
  bool double_checkpoint = false;     ///< keep the backup before the last, too
  bool delete_checkpoint = true;      ///< remove the directory when training ends well
};

/// Backs weights, optimizer state and epoch up during training, and continues an interrupted training from
/// there at the next fit (keras.callbacks.BackupAndRestore). The files are Keras' own: "latest.weights.h5"
/// and "training_metadata.json". Whatever moment a program dies at, the directory holds a backup whose epoch
/// belongs to its weights. Throws ValueError for a model that is not built, or files that cannot be used.
class BackupAndRestore : public Callback {
 public:
  using Options = BackupAndRestoreOptions;
  explicit BackupAndRestore(std::string backup_dir, Options options = {});
  void on_train_begin(Logs& logs) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

 private:
  void restore();
  void save();

  std::string directory_;
  Options options_;
  int64_t epoch_ = 0;
  int64_t batch_ = 0;
};

}  // namespace keras::callbacks
