// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// The base of callbacks that watch one log (keras.callbacks.MonitorCallback): knows which direction is
/// better.
class MonitorCallback : public Callback {
 public:
  /// The name of the log that is watched.
  const std::string& monitor() const { return monitor_; }
  /// The best value so far.
  const std::optional<double>& best() const { return best_; }

 protected:
  /// `mode` is "min", "max" or "auto": then the name "loss", or the direction of the metric of that name,
  /// decides. `best` is the value to beat at first.
  MonitorCallback(std::string monitor, std::string mode, std::optional<double> best, double min_delta);
  /// Finds the direction, once the metrics of the model are known. Throws ValueError when mode is "auto" and
  /// the metric has none.
  void find_direction();
  /// Whether a value is better than another by more than min_delta; any value is better than none.
  bool improves(double value, const std::optional<double>& reference);

  std::optional<double> best_;

 private:
  std::string monitor_;
  std::string mode_;
  double min_delta_;
  int direction_ = 0;
};

}  // namespace keras::callbacks
