// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/register.h"

#include "keras/base/error.h"

namespace keras {

namespace internal {

void apply_base_config(Layer& layer, const Json& config, const std::string& class_name) {
  for (const auto& [key, value] : config.as_dict(class_name)) {
    if (key == "name") {
      layer.set_name(value.as_string(key));
    } else if (key == "trainable") {
      layer.core().trainable = value.as_bool(key);
    } else if (key == "dtype") {
      layer.core().policy = FieldCodec<DTypePolicy>::from_json(value, key);
    } else {
      fail<ValueError>({class_name, "This class takes name, trainable and dtype from its config",
                        "'" + key + "'", "give it a static from_config(const Json&)"});
    }
  }
}

bool register_user_layer(std::string package, std::string class_name,
                         std::function<std::shared_ptr<Layer>(const Json&)> make) {
  ObjectEntry entry;
  entry.category = ObjectCategory::layer;
  entry.package = std::move(package);
  entry.class_name = std::move(class_name);
  return register_object<Layer>(std::move(entry), std::move(make));
}

}  // namespace internal

std::string Layer::registered_name() const {
  if (!module().empty()) return "";
  const std::string own = class_name();
  for (const auto& entry : registered_objects(ObjectCategory::layer)) {
    if (entry->class_name == own && !entry->package.empty()) return entry->registered_name();
  }
  // As Keras does for a class that nobody registered.
  return own;
}

}  // namespace keras
