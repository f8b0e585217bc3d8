// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/monitor_callback.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/model.h"

namespace keras::callbacks {

MonitorCallback::MonitorCallback(std::string monitor, std::string mode, std::optional<double> best,
                                 double min_delta)
    : best_(best), monitor_(std::move(monitor)), mode_(std::move(mode)), min_delta_(std::abs(min_delta)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max") {
    std::fprintf(stderr, "keras: the callback's mode '%s' is unknown (auto, min, max), so it is auto\n",
                 mode_.c_str());
    mode_ = "auto";
  }
}

void MonitorCallback::find_direction() {
  if (direction_ != 0) return;
  if (mode_ != "auto") {
    direction_ = mode_ == "max" ? 1 : -1;
    return;
  }
  const std::string name = monitor_.starts_with("val_") ? monitor_.substr(4) : monitor_;
  if (name == "loss") direction_ = -1;
  if (model() != nullptr) {
    for (const auto& metric : model()->metrics()) {
      if (metric->name() == name && metric->direction() != 0) direction_ = metric->direction();
    }
  }
  if (direction_ == 0) {
    internal::fail<ValueError>({"callbacks",
                                "In mode auto the watched log must be the loss, or a metric with a direction",
                                fmt::format("monitor='{}'", monitor_), "give mode \"min\" or \"max\""});
  }
}

bool MonitorCallback::improves(double value, const std::optional<double>& reference) {
  if (!reference) return true;
  find_direction();
  // Keras compares in float32, the precision of logs.
  const auto shifted = static_cast<float>(value - direction_ * min_delta_);
  const auto other = static_cast<float>(*reference);
  return direction_ > 0 ? shifted > other : shifted < other;
}

}  // namespace keras::callbacks
