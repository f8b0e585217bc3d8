// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "keras/models/callbacks/history.h"

namespace keras::callbacks {

/// Passes every event on to a list of callbacks, with the logs sorted by name (keras.callbacks.CallbackList).
class CallbackList : public Callback {
 public:
  /// `add_history` and `add_progbar` append a History and a ProgbarLogger unless the list has one. Throws
  /// ValueError for a null callback.
  CallbackList(const std::vector<CallbackHandle>& callbacks, bool add_history, bool add_progbar, Model* model,
               const CallbackParams& params);
  /// What fit returns (null when there is none), and the callbacks in their order.
  ///@{
  const std::shared_ptr<History>& history() const { return history_; }
  const std::vector<std::shared_ptr<Callback>>& list() const { return callbacks_; }
  ///@}

  void on_train_begin(Logs& logs) override;
  void on_train_end(Logs& logs) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_batch_begin(int64_t batch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_batch_begin(int64_t batch, Logs& logs) override;
  void on_batch_end(int64_t batch, Logs& logs) override;
  void on_test_begin(Logs& logs) override;
  void on_test_end(Logs& logs) override;
  void on_test_batch_begin(int64_t batch, Logs& logs) override;
  void on_test_batch_end(int64_t batch, Logs& logs) override;
  void on_predict_begin(Logs& logs) override;
  void on_predict_end(Logs& logs) override;
  void on_predict_batch_begin(int64_t batch, Logs& logs) override;
  void on_predict_batch_end(int64_t batch, Logs& logs) override;
  void set_model(Model* model) override;
  void set_params(const CallbackParams& params) override;

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::shared_ptr<History> history_;
};

}  // namespace keras::callbacks
