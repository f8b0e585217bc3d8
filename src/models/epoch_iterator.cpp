// SPDX-License-Identifier: Apache-2.0
#include "models/epoch_iterator.h"

#include <fmt/format.h>

#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/run_limits.h"

namespace keras::internal {

namespace {

void warn_interrupted() {
  std::fputs(
      "keras: the input ran out of data, which ends the epoch; it must have at least steps_per_epoch * "
      "epochs "
      "batches\n",
      stderr);
}

}  // namespace

EpochIterator::EpochIterator(std::unique_ptr<DataAdapter> data, std::optional<int64_t> steps_per_epoch,
                             int64_t steps_per_execution, int64_t first_round)
    : data_(std::move(data)),
      steps_per_epoch_(steps_per_epoch),
      steps_per_execution_(steps_per_execution),
      num_batches_(data_->num_batches()),
      round_(first_round) {
  if (steps_per_epoch_ && *steps_per_epoch_ < 1) {
    fail<ValueError>({"fit", "The number of steps of an epoch must be at least 1",
                      fmt::format("{}", *steps_per_epoch_), ""});
  }
  const auto limit = config::max_steps_per_epoch();
  if (limit && (!steps_per_epoch_ || *limit < *steps_per_epoch_)) {
    std::fputs(fmt::format("keras: an epoch is limited to {} steps\n", *limit).c_str(), stderr);
    steps_per_epoch_ = limit;
  }
}

void EpochIterator::start_epoch() {
  data_->on_epoch_begin();
  step_ = 0;
  if (!running_ || !steps_per_epoch_) {
    data_->start(round_++);
    running_ = true;
    seen_ = 0;
  }
}

void EpochIterator::finish() {
  if (num_batches_ && seen_ >= *num_batches_) running_ = false;
  data_->on_epoch_end();
}

std::optional<EpochIterator::Execution> EpochIterator::next() {
  // A generator's length is not known before it has ended.
  const auto known = data_->num_batches();
  const auto limit = steps_per_epoch_ ? steps_per_epoch_ : known;
  if (limit && step_ >= *limit) {
    finish();
    return std::nullopt;
  }
  if (known && seen_ >= *known) {
    if (steps_per_epoch_) warn_interrupted();
    finish();
    return std::nullopt;
  }
  Execution out{step_, step_ + steps_per_execution_ - 1, {}};
  while (static_cast<int64_t>(out.batches.size()) < steps_per_execution_) {
    auto batch = data_->next();
    if (!batch) break;
    out.batches.push_back(std::move(*batch));
  }
  if (out.batches.empty()) {
    if (steps_per_epoch_ || step_ == 0) warn_interrupted();
    if (!num_batches_) num_batches_ = step_;
    running_ = false;
    data_->on_epoch_end();
    return std::nullopt;
  }
  step_ += steps_per_execution_;
  seen_ += steps_per_execution_;
  return out;
}

}  // namespace keras::internal
