// SPDX-License-Identifier: Apache-2.0
#include "runtime/config_file.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "keras/base/error.h"
#include "keras/schema/json.h"

namespace keras::internal {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const ConfigFile& config_file() {
  static const ConfigFile file = read_config_file(config_path());
  return file;
}

[[maybe_unused]] const bool registered = [] {
  set_config_source(+[] { return config_file().defaults; });
  return true;
}();

}  // namespace

std::string config_path() {
  const std::string home = environment("HOME");
  std::string directory = environment("KERAS_HOME");
  if (directory.empty()) {
    if (home.empty()) return "";
    directory = home + "/.keras";
  } else if (directory == "~" || directory.starts_with("~/")) {
    directory = home + directory.substr(1);
  }
  return directory + "/keras.json";
}

ConfigFile read_config_file(const std::string& path) {
  ConfigFile out;
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file) return out;
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const Json json = Json::parse(text, path);
  if (!json.is_dict()) {
    fail<ValueError>({path, "The configuration must be a dictionary", std::string(json.kind_name()), ""});
  }
  const auto where = [&](const char* key) { return path + ": " + key; };
  if (const Json* v = json.find("floatx")) out.defaults.floatx = v->as_string(where("floatx"));
  if (const Json* v = json.find("epsilon")) out.defaults.epsilon = v->as_real(where("epsilon"));
  if (const Json* v = json.find("image_data_format")) {
    out.defaults.image_data_format = v->as_string(where("image_data_format"));
  }
  if (const Json* v = json.find("cpp_backend")) out.backend = v->as_string(where("cpp_backend"));
  return out;
}

std::optional<std::string> configured_backend() { return config_file().backend; }

}  // namespace keras::internal
