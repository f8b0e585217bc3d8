// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/progbar_logger.h"

#include <fmt/format.h>

#include <cstdio>

#include "keras/models/training.h"
#include "models/progbar.h"

namespace keras::callbacks {

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
void ProgbarLogger::on_train_begin(Logs&) { state_->in_fit = true; }
void ProgbarLogger::on_test_begin(Logs&) {
  if (!state_->in_fit) begin();
}
void ProgbarLogger::on_predict_begin(Logs&) { begin(); }
void ProgbarLogger::on_epoch_begin(int64_t epoch, Logs&) {
  begin();
  if (state_->verbose != 0 && state_->epochs > 1) {
    std::fputs(fmt::format("Epoch {}/{}\n", epoch + 1, state_->epochs).c_str(), stdout);
    std::fflush(stdout);
  }
}
void ProgbarLogger::on_train_batch_end(int64_t batch, Logs& logs) { update(batch, logs); }
void ProgbarLogger::on_test_batch_end(int64_t batch, Logs& logs) {
  if (!state_->in_fit) update(batch, logs);
}
void ProgbarLogger::on_predict_batch_end(int64_t batch, Logs&) { update(batch, {}); }
void ProgbarLogger::on_epoch_end(int64_t, Logs& logs) { finalize(logs); }
void ProgbarLogger::on_test_end(Logs& logs) {
  if (!state_->in_fit) finalize(logs);
}
void ProgbarLogger::on_predict_end(Logs&) { finalize({}); }

}  // namespace keras::callbacks
