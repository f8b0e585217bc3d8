// SPDX-License-Identifier: Apache-2.0
#include "keras/models/run_limits.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "keras/base/error.h"

namespace keras::config {

namespace {

void check(std::string_view where, std::optional<int64_t> limit) {
  if (limit && *limit < 1) {
    internal::fail<ValueError>({where, "The limit must be at least 1", fmt::format("{}", *limit), ""});
  }
}

std::optional<int64_t> from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string_view text(value);
  int64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size()) {
    internal::fail<ValueError>({name, "The limit must be a whole number", std::string(text), ""});
  }
  check(name, limit);
  return limit;
}

class Limit {
 public:
  explicit Limit(const char* variable) : variable_(variable) {}
  std::optional<int64_t> get() {
    const std::lock_guard lock(mutex_);
    if (!known_) value_ = from_environment(variable_);
    known_ = true;
    return value_;
  }
  void set(std::optional<int64_t> value) {
    const std::lock_guard lock(mutex_);
    value_ = value;
    known_ = true;
  }

 private:
  const char* variable_;
  std::mutex mutex_;
  bool known_ = false;
  std::optional<int64_t> value_;
};

Limit& epochs_limit() {
  static Limit limit("KERAS_MAX_EPOCHS");
  return limit;
}

Limit& steps_limit() {
  static Limit limit("KERAS_MAX_STEPS_PER_EPOCH");
  return limit;
}

}  // namespace

std::optional<int64_t> max_epochs() { return epochs_limit().get(); }
void set_max_epochs(std::optional<int64_t> epochs) {
  check("set_max_epochs", epochs);
  epochs_limit().set(epochs);
}
std::optional<int64_t> max_steps_per_epoch() { return steps_limit().get(); }
void set_max_steps_per_epoch(std::optional<int64_t> steps) {
  check("set_max_steps_per_epoch", steps);
  steps_limit().set(steps);
}

}  // namespace keras::config
