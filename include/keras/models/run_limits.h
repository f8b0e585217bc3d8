// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

/// Limits of all runs of this process, for a quick look at whether a program works.
namespace keras::config {

/// The most epochs that any fit runs; none: no limit. At the start $KERAS_MAX_EPOCHS, if that is set.
std::optional<int64_t> max_epochs();
/// Sets the most epochs. Throws ValueError for a number below 1.
void set_max_epochs(std::optional<int64_t> epochs);

/// The most steps of any epoch of fit, and of evaluate and predict; none: no limit. At the start
/// $KERAS_MAX_STEPS_PER_EPOCH, if that is set.
std::optional<int64_t> max_steps_per_epoch();
/// Sets the most steps. Throws ValueError for a number below 1.
void set_max_steps_per_epoch(std::optional<int64_t> steps);

}  // namespace keras::config
