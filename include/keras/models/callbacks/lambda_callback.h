// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// The functions of a LambdaCallback, by the names of the hooks; those not given do nothing.
struct LambdaCallbackOptions {
  /// A hook with a number (an epoch or batch), and one without.
  ///@{
  using Step = std::function<void(int64_t number, Logs& logs)>;
  using Event = std::function<void(Logs& logs)>;
  ///@}
  /// Around training, its epochs and its batches.
  ///@{
  Step on_epoch_begin = {}, on_epoch_end = {};
  Event on_train_begin = {}, on_train_end = {};
  Step on_train_batch_begin = {}, on_train_batch_end = {};
  ///@}
  /// Around evaluation and prediction, and their batches.
  ///@{
  Event on_test_begin = {}, on_test_end = {};
  Step on_test_batch_begin = {}, on_test_batch_end = {};
  Event on_predict_begin = {}, on_predict_end = {};
  Step on_predict_batch_begin = {}, on_predict_batch_end = {};
  ///@}
};

/// A callback made of functions (keras.callbacks.LambdaCallback):
///
///     callbacks::LambdaCallback({.on_epoch_end = [](int64_t epoch, Logs& logs) { ... }})
class LambdaCallback : public Callback {
 public:
  using Options = LambdaCallbackOptions;
  explicit LambdaCallback(Options options) : options_(std::move(options)) {}
  void on_train_begin(Logs& logs) override;
  void on_train_end(Logs& logs) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_batch_begin(int64_t batch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_test_begin(Logs& logs) override;
  void on_test_end(Logs& logs) override;
  void on_test_batch_begin(int64_t batch, Logs& logs) override;
  void on_test_batch_end(int64_t batch, Logs& logs) override;
  void on_predict_begin(Logs& logs) override;
  void on_predict_end(Logs& logs) override;
  void on_predict_batch_begin(int64_t batch, Logs& logs) override;
  void on_predict_batch_end(int64_t batch, Logs& logs) override;

 private:
  Options options_;
};

}  // namespace keras::callbacks
