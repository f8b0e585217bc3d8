// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace keras::checkout {

/// A path of the source tree: `source_path("tests/golden/summary.json")`.
std::string source_path(const std::string& relative);
/// A path of the build folder that this program comes from.
std::string build_path(const std::string& relative);

}  // namespace keras::checkout
