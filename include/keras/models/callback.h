// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "keras/models/logs.h"

namespace keras {

class Model;

/// What callbacks learn of a run before it begins.
struct CallbackParams {
  int verbose = 1;                    ///< 0 silent, 1 progress bar, 2 one line an epoch
  int64_t epochs = 1;                 ///< of this run
  std::optional<int64_t> steps = {};  ///< batches an epoch; none: not known beforehand
};

/// Hooks into training, evaluation and prediction (keras.callbacks.Callback). Override what is needed. All
/// callbacks of an event get the same logs, so what one adds the later ones see.
class Callback {
 public:
  virtual ~Callback() = default;
  /// Before and after training, each epoch and each batch; logs hold what is known by then.
  ///@{
  virtual void on_train_begin(Logs&) {}
  virtual void on_train_end(Logs&) {}
  virtual void on_epoch_begin(int64_t, Logs&) {}
  virtual void on_epoch_end(int64_t, Logs&) {}
  virtual void on_train_batch_begin(int64_t batch, Logs& logs) { on_batch_begin(batch, logs); }
  virtual void on_train_batch_end(int64_t batch, Logs& logs) { on_batch_end(batch, logs); }
  ///@}
  /// What the hooks around training batches do unless overridden.
  ///@{
  virtual void on_batch_begin(int64_t, Logs&) {}
  virtual void on_batch_end(int64_t, Logs&) {}
  ///@}
  /// The same for evaluation and prediction. After a batch of prediction, logs hold "outputs".
  ///@{
  virtual void on_test_begin(Logs&) {}
  virtual void on_test_end(Logs&) {}
  virtual void on_test_batch_begin(int64_t, Logs&) {}
  virtual void on_test_batch_end(int64_t, Logs&) {}
  virtual void on_predict_begin(Logs&) {}
  virtual void on_predict_end(Logs&) {}
  virtual void on_predict_batch_begin(int64_t, Logs&) {}
  virtual void on_predict_batch_end(int64_t, Logs&) {}
  ///@}

  /// What the run tells before it begins: the model and how long it will be.
  ///@{
  virtual void set_model(Model* model) { model_ = model; }
  virtual void set_params(const CallbackParams& params) { params_ = params; }
  Model* model() const { return model_; }
  const CallbackParams& params() const { return params_; }
  ///@}

 private:
  Model* model_ = nullptr;
  CallbackParams params_;
};

/// A callback of any class: given by value, or as a shared pointer when its state matters afterwards.
///
///     auto logger = std::make_shared<MyLogger>();
///     model.fit(x, y, {.callbacks = {callbacks::EarlyStopping({.monitor = "loss"}), logger}});
class CallbackHandle {
 public:
  template <class T>
  requires(std::is_base_of_v<Callback, std::remove_cvref_t<T>>)
      CallbackHandle(T&& callback)  // NOLINT: callbacks convert by design
      : callback_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(callback))) {}
  template <class T>
  requires(std::is_base_of_v<Callback, T>) CallbackHandle(std::shared_ptr<T> callback)  // NOLINT: so do these
      : callback_(std::move(callback)) {}

  /// The callback itself.
  const std::shared_ptr<Callback>& shared() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

}  // namespace keras
