// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keras::internal {

/// "Conv2D" -> "conv2d", "ReLU" -> "re_lu": Keras' own rule, which files rely on.
std::string to_snake_case(std::string_view class_name);
/// "conv2d", then "conv2d_1", ...: counted per process until clear_session.
std::string auto_name(std::string_view prefix);
void reset_auto_names();

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
