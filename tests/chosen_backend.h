// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "keras/runtime/backend.h"
#include "runtime/backend_choice.h"

namespace keras::tests {

/// True where the plug-in's library can be found.
inline bool is_installed(std::string_view name) {
  const auto names = internal::installed_backends();
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Makes a backend the one in use while it lives, in a process that may have used another. Tensors of one
/// backend do not go to another.
class ChosenBackend {
 public:
  explicit ChosenBackend(std::string_view name)
      : before_(internal::chosen_backend.exchange(&internal::load_backend(name))) {}
  ~ChosenBackend() { internal::chosen_backend.store(before_); }
  ChosenBackend(const ChosenBackend&) = delete;
  ChosenBackend& operator=(const ChosenBackend&) = delete;

 private:
  internal::Backend* before_;
};

}  // namespace keras::tests
