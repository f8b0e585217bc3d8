// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "checkout.h"

namespace keras::tests {

/// While it lives, backends are looked for among the plug-ins of tests/plugins first.
class PluginFolder {
 public:
  PluginFolder() {
    if (const char* before = std::getenv("KERAS_BACKEND_PATH")) before_ = before;
    std::string path = checkout::build_path("lib/test_plugins");
    if (before_) path += ":" + *before_;
    setenv("KERAS_BACKEND_PATH", path.c_str(), 1);
  }
  ~PluginFolder() {
    if (before_) {
      setenv("KERAS_BACKEND_PATH", before_->c_str(), 1);
    } else {
      unsetenv("KERAS_BACKEND_PATH");
    }
  }
  PluginFolder(const PluginFolder&) = delete;
  PluginFolder& operator=(const PluginFolder&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace keras::tests
