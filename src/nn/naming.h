// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace keras::internal {

/// The names of the layers being built or called on this thread, for the paths of variables.
class NameScope {
 public:
  explicit NameScope(std::string name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;
  /// "sequential/dense", or "" outside.
  static std::string current_path();
};

}  // namespace keras::internal
