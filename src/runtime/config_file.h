// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "tensor/config_source.h"

namespace keras::internal {

/// What keras.json says. Other keys are Python Keras' own and are ignored, "backend" among them: it names a
/// backend of Python's.
struct ConfigFile {
  ConfigDefaults defaults = {};
  std::optional<std::string> backend = {};  ///< "cpp_backend"
};

/// $KERAS_HOME/keras.json, else ~/.keras/keras.json; "" without either variable.
std::string config_path();
/// Reads a file; one that does not exist says nothing. Throws ValueError with the path for what is no JSON
/// dictionary, TypeError for values of another kind.
ConfigFile read_config_file(const std::string& path);
/// "cpp_backend" of the file at config_path(), which is read once.
std::optional<std::string> configured_backend();

}  // namespace keras::internal
