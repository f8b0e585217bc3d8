// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace keras::internal {

/// Defaults that a configuration file may name.
struct ConfigDefaults {
  std::optional<std::string> floatx = {};
  std::optional<double> epsilon = {};
  std::optional<std::string> image_data_format = {};
};

/// Says where defaults come from. The source is asked once, when the first default is read or set; what it
/// throws comes out there, each time until it succeeds. This room knows no files; the one that reads them
/// registers itself.
void set_config_source(ConfigDefaults (*source)());

}  // namespace keras::internal
