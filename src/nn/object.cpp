// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/object.h"

#include "keras/base/error.h"

namespace keras {

Json Configurable::get_config() const {
  internal::fail<UnsupportedError>({class_name(), "This object has no config, so it cannot be saved", "",
                                    "override get_config and register the class, or use a named object"});
}

namespace {

// Files have the name under which Keras exports a class, which is not always the class's own.
std::string exported_name(const Configurable& object) {
  const std::string own = object.class_name();
  if (object.module() != "keras.layers") return own;
  const auto entry = find_object(ObjectCategory::layer, own);
  return entry ? entry->class_name : own;
}

}  // namespace

Json serialize_object(const Configurable& object) {
  return ObjectEnvelope{object.module(), exported_name(object), object.get_config(), object.registered_name(),
                        nullptr}
      .to_json();
}

}  // namespace keras
