// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <optional>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/backend_choice.h"
#include "runtime/config_file.h"

namespace keras {

namespace {

struct Settings {
  std::mutex mutex;
  std::optional<std::string> backend;  // set in code
};

Settings& settings() {
  static Settings instance;
  return instance;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

namespace internal {

std::atomic<Backend*> chosen_backend{nullptr};

Backend& choose_backend() {
  Backend& backend = load_backend(config::backend());
  Backend* none = nullptr;
  chosen_backend.compare_exchange_strong(none, &backend, std::memory_order_acq_rel);
  return *chosen_backend.load(std::memory_order_acquire);
}

}  // namespace internal

namespace config {

std::string backend() {
  if (const auto* chosen = internal::chosen_backend.load(std::memory_order_acquire); chosen != nullptr) {
    return chosen->name();
  }
  auto& s = settings();
  {
    const std::lock_guard lock(s.mutex);
    if (s.backend) return *s.backend;
  }
  if (auto name = environment("KERAS_CPP_BACKEND"); !name.empty()) return name;
  if (auto name = environment("KERAS_BACKEND"); !name.empty()) return name;
  return internal::configured_backend().value_or("native");
}

void set_backend(std::string_view name) {
  const auto* chosen = internal::chosen_backend.load(std::memory_order_acquire);
  if (chosen != nullptr) {
    if (chosen->name() == name) return;
    internal::fail<ValueError>({"set_backend", "The backend is chosen before the first tensor is used",
                                fmt::format("'{}' while tensors exist on '{}'", name, chosen->name()),
                                "call config::set_backend first, or set KERAS_BACKEND"});
  }
  internal::load_backend(name);
  auto& s = settings();
  const std::lock_guard lock(s.mutex);
  s.backend = std::string(name);
}

}  // namespace config
}  // namespace keras
