// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "keras/schema/field.h"
#include "keras/schema/object_registry.h"

namespace keras {

/// What Keras can name, configure, save and make again: layers, losses, optimizers, initializers...
class Configurable {
 public:
  virtual ~Configurable() = default;
  /// The name in files: "Dense", "GlorotUniform".
  virtual std::string class_name() const = 0;
  /// Keras' public module of the class: "keras.layers"; "" for a user's class.
  virtual std::string module() const { return ""; }
  /// "package>name" of a registered class of a user; "" for Keras' own.
  virtual std::string registered_name() const { return ""; }
  /// The constructor's arguments as Keras writes them. Throws UnsupportedError for an object that has none,
  /// such as one made from a C++ callable.
  virtual Json get_config() const;
};

/// The object as Keras writes it into files: {"module", "class_name", "config", "registered_name"}.
Json serialize_object(const Configurable& object);

/// A reference to a configurable object that converts from a name ("relu"), an instance, nothing, or (where
/// the kind allows it) a C++ callable: the type of options such as `activation` and `kernel_initializer`.
///
/// `Base` has `static constexpr ObjectCategory kCategory` and `static std::shared_ptr<Base> from_name(name)`.
template <class Base>
class ObjectRef {
 public:
  ObjectRef() = default;                                                   ///< none
  ObjectRef(std::nullptr_t) {}                                             // NOLINT: Python's None
  ObjectRef(const char* name) : ObjectRef(std::string(name)) {}            // NOLINT
  ObjectRef(const std::string& name) : object_(Base::from_name(name)) {}   // NOLINT
  ObjectRef(std::shared_ptr<Base> object) : object_(std::move(object)) {}  // NOLINT
  template <class T>
  requires(std::is_base_of_v<Base, std::remove_cvref_t<T>>) ObjectRef(T&& object)  // NOLINT: by design
      : object_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(object))) {}
  template <class F>
  requires(!std::is_base_of_v<Base, std::remove_cvref_t<F>> && !std::is_convertible_v<F, std::string> &&
           !std::is_same_v<std::remove_cvref_t<F>, ObjectRef> && requires(F f) { Base::from_callable(f); })
      ObjectRef(F&& callable)  // NOLINT: callables convert by design
      : object_(Base::from_callable(std::forward<F>(callable))) {}

  explicit operator bool() const { return object_ != nullptr; }
  Base* operator->() const { return object_.get(); }
  Base& operator*() const { return *object_; }
  /// The object itself; null for none.
  const std::shared_ptr<Base>& shared() const { return object_; }

 private:
  std::shared_ptr<Base> object_;
};

/// null, a name, or an envelope; activations are written as names, everything else as envelopes.
template <class Base>
struct FieldCodec<ObjectRef<Base>> {
  static std::string kind() { return std::string(category_name(Base::kCategory)); }
  static Json to_json(const ObjectRef<Base>& value) {
    if (!value) return nullptr;
    if constexpr (requires { value->to_json(); }) return value->to_json();
    return serialize_object(*value);
  }
  static ObjectRef<Base> from_json(const Json& json, std::string_view where) {
    if (json.is_null()) return {};
    if (json.is_string()) return ObjectRef<Base>(json.as_string(where));
    const auto envelope = ObjectEnvelope::from_json(json, where);
    return ObjectRef<Base>(
        make_object<Base>(Base::kCategory, envelope.lookup_name(), envelope.config, where));
  }
};

/// A class whose constructor arguments are one options struct with a field table: gives it class_name and
/// get_config. `Derived` has `static constexpr const char* kClassName`.
template <class Derived, class Base, class OptionsType>
class Configured : public Base {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  Json get_config() const override { return to_config(options_); }
  const Options& options() const { return options_; }

 protected:
  template <class... Args>
  explicit Configured(Options options, Args&&... base)
      : Base(std::forward<Args>(base)...), options_(std::move(options)) {}
  Options options_;
};

namespace internal {

/// Registers a class with an options struct as its only constructor argument under Keras' module.
template <class T, class Base>
bool register_configured(const char* module, std::vector<std::string> aliases = {}) {
  ObjectEntry entry;
  entry.category = Base::kCategory;
  entry.module = module;
  entry.class_name = T::kClassName;
  entry.aliases = std::move(aliases);
  entry.fields = fields_of<typename T::Options>();
  return register_object<Base>(std::move(entry), [](const Json& config) -> std::shared_ptr<Base> {
    typename T::Options options;
    from_config(config, options, T::kClassName);
    return std::make_shared<T>(std::move(options));
  });
}

}  // namespace internal
}  // namespace keras
