// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// Arguments of CSVLogger beside the file's name, as in Keras.
struct CSVLoggerOptions {
  std::string separator = ",";  ///< between values
  bool append = false;          ///< go on in an existing file
};

/// Writes the logs of every epoch into a file, one line an epoch (keras.callbacks.CSVLogger): "epoch", then
/// the names in order. Without validation in the first epoch there are columns "val_..." for later ones, "NA"
/// until then. Throws ValueError with the path when the file cannot be written.
class CSVLogger : public Callback {
 public:
  using Options = CSVLoggerOptions;
  explicit CSVLogger(std::string filename, Options options = {});
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

 private:
  void write_row(const std::vector<std::string>& values);

  std::string filename_;
  Options options_;
  std::ofstream file_;
  std::vector<std::string> keys_;
  bool header_ = true;    ///< the file still needs its first line
  bool started_ = false;  ///< an epoch was written in this training
};

}  // namespace keras::callbacks
