// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// Sets the learning rate at the beginning of every epoch (keras.callbacks.LearningRateScheduler), and adds
/// "learning_rate" to the logs.
class LearningRateScheduler : public Callback {
 public:
  /// The rate of an epoch (from 0), given the rate before it.
  using Schedule = std::function<double(int64_t epoch, double rate)>;
  /// `schedule` takes the epoch and the present rate, or the epoch alone. With verbose 1 it says what it
  /// sets.
  template <class F>
  requires(std::is_invocable_r_v<double, F&, int64_t, double>) explicit LearningRateScheduler(F schedule,
                                                                                              int verbose = 0)
      : schedule_(std::move(schedule)), verbose_(verbose) {}
  template <class F>
  requires(std::is_invocable_r_v<double, F&, int64_t> && !std::is_invocable_v<F&, int64_t, double>)  //
      explicit LearningRateScheduler(F schedule, int verbose = 0)
      : schedule_([f = std::move(schedule)](int64_t epoch, double) { return static_cast<double>(f(epoch)); }),
        verbose_(verbose) {}

  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;

 private:
  Schedule schedule_;
  int verbose_;
};

}  // namespace keras::callbacks
