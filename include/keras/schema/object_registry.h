// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "keras/schema/field.h"
#include "keras/schema/json.h"

namespace keras {

/// The kinds of objects that files and strings name. A name is looked up within its kind.
enum class ObjectCategory : uint8_t {
  layer,
  model,
  loss,
  metric,
  optimizer,
  schedule,
  initializer,
  regularizer,
  constraint,
  activation,
  dtype_policy,
  operation,
  callback,
};

/// "layer", "loss", ...
std::string_view category_name(ObjectCategory category);

/// A class that can be made from its name and config.
struct ObjectEntry {
  ObjectCategory category = ObjectCategory::layer;  ///< what it is
  std::string module;                               ///< Keras' module ("keras.layers"); "" for a user's class
  std::string class_name;                           ///< "Dense"
  std::string package;               ///< package of a user's class ("Custom"); "" for Keras' own
  std::vector<std::string> aliases;  ///< other names that strings may use: "relu", "mse"
  std::span<const Field> fields;     ///< the table of its options, empty when it has none

  /// "package>class_name" of a user's class, "" for Keras' own.
  std::string registered_name() const { return package.empty() ? "" : package + ">" + class_name; }
};

namespace internal {

using ErasedFactory = std::function<std::shared_ptr<void>(const Json& config)>;

bool register_erased(ObjectEntry entry, const std::type_info& base, ErasedFactory factory);
std::shared_ptr<void> make_erased(ObjectCategory category, std::string_view name, const Json& config,
                                  const std::type_info& base, std::string_view where);

}  // namespace internal

/// Registers a class; `factory` makes it from its config. `Base` is the same for every class of a category
/// (Layer, Loss, ...). A later registration of a user's name replaces the earlier one. Throws ValueError when
/// a name of Keras' own is registered twice, TypeError when `Base` differs from the category's.
template <class Base>
bool register_object(ObjectEntry entry, std::function<std::shared_ptr<Base>(const Json& config)> factory) {
  return internal::register_erased(
      std::move(entry), typeid(Base),
      [make = std::move(factory)](const Json& config) -> std::shared_ptr<void> { return make(config); });
}

/// Makes the object of a class name, alias or "package>class_name". Throws ValueError for an unknown name,
/// with the nearest and the valid ones.
template <class Base>
std::shared_ptr<Base> make_object(ObjectCategory category, std::string_view name, const Json& config,
                                  std::string_view where) {
  return std::static_pointer_cast<Base>(internal::make_erased(category, name, config, typeid(Base), where));
}

/// The entry of a class name, alias or registered name, or nullptr.
std::shared_ptr<const ObjectEntry> find_object(ObjectCategory category, std::string_view name);

/// All entries of a category, by class name.
std::vector<std::shared_ptr<const ObjectEntry>> registered_objects(ObjectCategory category);

/// How Keras writes an object into files.
struct ObjectEnvelope {
  std::string module;           ///< "" is null in the file
  std::string class_name;       ///< "Dense"
  Json config;                  ///< the constructor's arguments
  std::string registered_name;  ///< "" is null in the file
  Json build_config;            ///< null when there is none

  /// {"module", "class_name", "config", "registered_name"[, "build_config"]}.
  Json to_json() const;
  /// Throws TypeError or ValueError, naming `where`, for anything else than such a dictionary.
  static ObjectEnvelope from_json(const Json& json, std::string_view where);
  /// True for a dictionary with the keys class_name and config.
  static bool is_envelope(const Json& json);
  /// The name under which the class is registered: the registered name if the file has one, else the class
  /// name.
  const std::string& lookup_name() const {
    return registered_name.find('>') == std::string::npos ? class_name : registered_name;
  }
};

}  // namespace keras
