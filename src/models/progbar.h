// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keras/models/logs.h"

namespace keras::internal {

/// Keras' progress bar: 20 cells, ETA, time per step, running values. On a terminal it redraws one line;
/// elsewhere it writes plain lines, at most one every few seconds and one at the end.
class Progbar {
 public:
  Progbar(std::optional<int64_t> target, int verbose, std::string unit_name = "step");
  void update(int64_t current, const Logs& values, bool finalize);
  void set_target(int64_t target) { target_ = target; }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_per_unit(int64_t current, Clock::time_point now);
  std::string line(int64_t current, bool finalize, double per_unit, double elapsed) const;
  std::string values_text() const;

  std::optional<int64_t> target_;
  int verbose_;
  std::string unit_name_;
  bool terminal_;
  Logs values_;
  Clock::time_point start_;
  Clock::time_point last_update_{};
  std::optional<Clock::time_point> after_first_step_;
  int64_t seen_ = 0;
};

/// " 12ms/step" for a duration in seconds.
std::string format_time_per_unit(double seconds, const std::string& unit);
/// Characters of the text that a terminal shows (without escape sequences).
size_t visible_width(const std::string& text);

}  // namespace keras::internal
