// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/object.h"

#include "keras/base/error.h"

namespace keras {

Json Configurable::get_config() const {
  internal::fail<UnsupportedError>({class_name(), "This object has no config, so it cannot be saved", "",
                                    "override get_config and register the class, or use a named object"});
}

Json serialize_object(const Configurable& object) {
  return ObjectEnvelope{object.module(), object.class_name(), object.get_config(), object.registered_name(),
                        nullptr}
      .to_json();
}

}  // namespace keras
