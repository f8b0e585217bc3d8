// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// Shows the progress bar; `fit` adds it unless verbose is 0 (keras.callbacks.ProgbarLogger).
class ProgbarLogger : public Callback {
 public:
  ProgbarLogger();
  ~ProgbarLogger() override;
  void set_params(const CallbackParams& params) override;
  void on_train_begin(Logs& logs) override;
  void on_test_begin(Logs& logs) override;
  void on_predict_begin(Logs& logs) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_test_batch_end(int64_t batch, Logs& logs) override;
  void on_predict_batch_end(int64_t batch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_test_end(Logs& logs) override;
  void on_predict_end(Logs& logs) override;

 private:
  struct State;
  void begin();
  void update(int64_t batch, const Logs& logs);
  void finalize(const Logs& logs);
  std::unique_ptr<State> state_;
};

}  // namespace keras::callbacks
