// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/callback_list.h"

#include "keras/base/error.h"
#include "keras/models/callbacks/progbar_logger.h"

namespace keras::callbacks {

CallbackList::CallbackList(const std::vector<CallbackHandle>& callbacks, bool add_history, bool add_progbar,
                           Model* model, const CallbackParams& params) {
  for (const auto& handle : callbacks) callbacks_.push_back(handle.shared());
  bool has_progbar = false;
  for (const auto& c : callbacks_) {
    if (c == nullptr) internal::fail<ValueError>({"callbacks", "A callback must not be null", "", ""});
    if (auto history = std::dynamic_pointer_cast<History>(c)) history_ = history;
    has_progbar = has_progbar || dynamic_cast<ProgbarLogger*>(c.get()) != nullptr;
  }
  if (add_history && !history_) {
    history_ = std::make_shared<History>();
    callbacks_.push_back(history_);
  }
  if (add_progbar && !has_progbar) callbacks_.push_back(std::make_shared<ProgbarLogger>());
  CallbackList::set_model(model);
  CallbackList::set_params(params);
}

void CallbackList::set_model(Model* model) {
  Callback::set_model(model);
  for (const auto& c : callbacks_) c->set_model(model);
}

void CallbackList::set_params(const CallbackParams& params) {
  Callback::set_params(params);
  for (const auto& c : callbacks_) c->set_params(params);
}

// All callbacks of an event share one copy of the logs, sorted; the caller's stay as they are.
#define KERAS_FORWARD_LOGS(event)                      \
  void CallbackList::event(Logs& logs) {               \
    Logs shared = logs.sorted();                       \
    for (const auto& c : callbacks_) c->event(shared); \
  }
#define KERAS_FORWARD_STEP(event)                              \
  void CallbackList::event(int64_t number, Logs& logs) {       \
    Logs shared = logs.sorted();                               \
    for (const auto& c : callbacks_) c->event(number, shared); \
  }
KERAS_FORWARD_LOGS(on_train_begin)
KERAS_FORWARD_LOGS(on_train_end)
KERAS_FORWARD_STEP(on_epoch_begin)
KERAS_FORWARD_STEP(on_epoch_end)
KERAS_FORWARD_STEP(on_train_batch_begin)
KERAS_FORWARD_STEP(on_train_batch_end)
KERAS_FORWARD_STEP(on_batch_begin)
KERAS_FORWARD_STEP(on_batch_end)
KERAS_FORWARD_LOGS(on_test_begin)
KERAS_FORWARD_LOGS(on_test_end)
KERAS_FORWARD_STEP(on_test_batch_begin)
KERAS_FORWARD_STEP(on_test_batch_end)
KERAS_FORWARD_LOGS(on_predict_begin)
KERAS_FORWARD_LOGS(on_predict_end)
KERAS_FORWARD_STEP(on_predict_batch_begin)
KERAS_FORWARD_STEP(on_predict_batch_end)
#undef KERAS_FORWARD_LOGS
#undef KERAS_FORWARD_STEP

}  // namespace keras::callbacks
