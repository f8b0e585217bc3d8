// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace keras::internal {

/// What the layers of one outermost call share: the training flag goes from a layer to those inside it.
class CallContext {
 public:
  /// Enters a layer call; an explicit flag replaces the inherited one.
  explicit CallContext(std::optional<bool> training);
  ~CallContext();
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;
  static std::optional<bool> training();

 private:
  std::optional<bool> previous_;
};

}  // namespace keras::internal
