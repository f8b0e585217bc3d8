// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callback.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "models/progbar.h"

namespace keras {

const double* Logs::find(std::string_view name) const {
  for (const auto& item : items_) {
    if (item.first == name) return &item.second;
  }
  return nullptr;
}

double Logs::operator[](std::string_view name) const {
  if (const double* value = find(name)) return *value;
  std::vector<std::string> names;
  for (const auto& item : items_) names.push_back(item.first);
  internal::fail_unknown_name("logs", "name", name, names);
}

void Logs::set(std::string_view name, double value) {
  for (auto& item : items_) {
    if (item.first == name) {
      item.second = value;
      return;
    }
  }
  items_.emplace_back(std::string(name), value);
}

void Logs::merge(const Logs& other) {
  for (const auto& [name, value] : other) set(name, value);
}

Logs Logs::sorted() const {
  Logs out = *this;
  std::stable_sort(out.items_.begin(), out.items_.end(),
                   [](const Item& a, const Item& b) { return a.first < b.first; });
  return out;
}

namespace callbacks {

const std::vector<double>& History::operator[](std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [key, values] : history) {
    if (key == name) return values;
    names.push_back(key);
  }
  internal::fail_unknown_name("History", "name", name, names);
}

void History::on_train_begin(const Logs&) {
  epoch.clear();
  history.clear();
}

void History::on_epoch_end(int64_t epoch_number, const Logs& logs) {
  epoch.push_back(epoch_number);
  for (const auto& log : logs) {
    const auto it = std::find_if(history.begin(), history.end(),
                                 [&](const auto& item) { return item.first == log.first; });
    if (it == history.end()) {
      history.emplace_back(log.first, std::vector<double>{log.second});
    } else {
      it->second.push_back(log.second);
    }
  }
}

struct ProgbarLogger::State {
  std::unique_ptr<internal::Progbar> bar;
  std::optional<int64_t> target;
  int64_t seen = 0;
  int verbose = 1;
  int64_t epochs = 1;
  bool in_fit = false;
};

ProgbarLogger::ProgbarLogger() : state_(std::make_unique<State>()) {}
ProgbarLogger::~ProgbarLogger() = default;

void ProgbarLogger::set_params(const CallbackParams& params) {
  Callback::set_params(params);
  state_->verbose = params.verbose == kVerboseAuto ? 1 : params.verbose;
  state_->epochs = params.epochs;
  state_->target = params.steps;
}

void ProgbarLogger::begin() {
  state_->seen = 0;
  state_->bar = std::make_unique<internal::Progbar>(state_->target, state_->verbose);
}

void ProgbarLogger::update(int64_t batch, const Logs& logs) {
  if (!state_->bar) begin();
  state_->seen = batch + 1;
  if (state_->verbose == 1) state_->bar->update(state_->seen, logs, false);
}

void ProgbarLogger::finalize(const Logs& logs) {
  if (!state_->bar) begin();
  if (!state_->target) {
    state_->target = state_->seen;
    state_->bar->set_target(state_->seen);
  }
  state_->bar->update(*state_->target, logs, true);
}

// Within fit, validation is silent.
void ProgbarLogger::on_train_begin(const Logs&) { state_->in_fit = true; }
void ProgbarLogger::on_test_begin(const Logs&) {
  if (!state_->in_fit) begin();
}
void ProgbarLogger::on_predict_begin(const Logs&) { begin(); }
void ProgbarLogger::on_epoch_begin(int64_t epoch, const Logs&) {
  begin();
  if (state_->verbose != 0 && state_->epochs > 1) {
    std::fputs(fmt::format("Epoch {}/{}\n", epoch + 1, state_->epochs).c_str(), stdout);
    std::fflush(stdout);
  }
}
void ProgbarLogger::on_train_batch_end(int64_t batch, const Logs& logs) { update(batch, logs); }
void ProgbarLogger::on_test_batch_end(int64_t batch, const Logs& logs) {
  if (!state_->in_fit) update(batch, logs);
}
void ProgbarLogger::on_predict_batch_end(int64_t batch, const Logs&) { update(batch, {}); }
void ProgbarLogger::on_epoch_end(int64_t, const Logs& logs) { finalize(logs); }
void ProgbarLogger::on_test_end(const Logs& logs) {
  if (!state_->in_fit) finalize(logs);
}
void ProgbarLogger::on_predict_end(const Logs&) { finalize({}); }

CallbackList::CallbackList(std::vector<std::shared_ptr<Callback>> callbacks, bool add_history,
                           bool add_progbar, Model* model, const CallbackParams& params)
    : callbacks_(std::move(callbacks)) {
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
  for (const auto& c : callbacks_) {
    c->set_model(model);
    c->set_params(params);
  }
  set_model(model);
  set_params(params);
}

#define KERAS_FORWARD_LOGS(event)                    \
  void CallbackList::event(const Logs& logs) {       \
    for (const auto& c : callbacks_) c->event(logs); \
  }
#define KERAS_FORWARD_STEP(event)                              \
  void CallbackList::event(int64_t number, const Logs& logs) { \
    for (const auto& c : callbacks_) c->event(number, logs);   \
  }
KERAS_FORWARD_LOGS(on_train_begin)
KERAS_FORWARD_LOGS(on_train_end)
KERAS_FORWARD_STEP(on_epoch_begin)
KERAS_FORWARD_STEP(on_epoch_end)
KERAS_FORWARD_STEP(on_train_batch_begin)
KERAS_FORWARD_STEP(on_train_batch_end)
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

}  // namespace callbacks
}  // namespace keras
