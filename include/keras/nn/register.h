// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "keras/nn/layer.h"

namespace keras {

namespace internal {

/// Takes over name, trainable and dtype. Throws ValueError for other keys, naming `class_name`.
void apply_base_config(Layer& layer, const Json& config, const std::string& class_name);
/// Notes a user's layer or model class.
bool register_user_layer(std::string package, std::string class_name,
                         std::function<std::shared_ptr<Layer>(const Json&)> make);

}  // namespace internal

/// Makes a user's layer or model class known to files (keras.saving.register_keras_serializable): it is
/// written as "package>name", and found by that name or by the class' name alone. The class has a
/// `static T from_config(const Json& config)`, or a default constructor; with the latter, its config is name,
/// trainable and dtype.
///
///     class LeNet : public Model { ... KERAS_MODEL(LeNet, conv1, pool, fc) ... };
///     KERAS_REGISTER(LeNet);                        // at namespace scope, as "Custom>LeNet"
///     register_serializable<LeNet>("LeNet", "zoo");  // or as a call
template <class T>
bool register_serializable(std::string class_name, std::string package = "Custom") {
  auto make = [class_name](const Json& config) -> std::shared_ptr<Layer> {
    if constexpr (requires { T::from_config(config); }) {
      return std::make_shared<T>(T::from_config(config));
    } else {
      auto layer = std::make_shared<T>();
      internal::apply_base_config(*layer, config, class_name);
      return layer;
    }
  };
  return internal::register_user_layer(std::move(package), std::move(class_name), std::move(make));
}

/// Registers a class under its own name and the package "Custom".
#define KERAS_REGISTER(Class)                                        \
  [[maybe_unused]] static const bool keras_user_registered_##Class = \
      ::keras::register_serializable<Class>(#Class)

}  // namespace keras
