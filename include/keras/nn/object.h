// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace keras {

class Json;

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
  /// The constructor's arguments as Keras writes them.
  virtual Json get_config() const;
};

/// A reference to a configurable object that converts from a name ("relu"), an instance, nothing, or (where
/// the kind allows it) a C++ callable: the type of options such as `activation` and `kernel_initializer`.
///
/// `Base` needs `static std::shared_ptr<Base> from_name(const std::string&)`.
template <class Base>
class ObjectRef {
 public:
  ObjectRef() = default;                 ///< none
  ObjectRef(std::nullptr_t) {}           // NOLINT: Python's None
  ObjectRef(const char* name) : ObjectRef(std::string(name)) {}                     // NOLINT
  ObjectRef(const std::string& name) : object_(Base::from_name(name)) {}            // NOLINT
  ObjectRef(std::shared_ptr<Base> object) : object_(std::move(object)) {}           // NOLINT
  template <class T>
    requires(std::is_base_of_v<Base, std::remove_cvref_t<T>>)
  ObjectRef(T&& object)  // NOLINT: instances convert by design
      : object_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(object))) {}
  template <class F>
    requires(!std::is_base_of_v<Base, std::remove_cvref_t<F>> && !std::is_convertible_v<F, std::string> &&
             !std::is_same_v<std::remove_cvref_t<F>, ObjectRef> && requires(F f) { Base::from_callable(f); })
  ObjectRef(F&& callable) : object_(Base::from_callable(std::forward<F>(callable))) {}  // NOLINT

  explicit operator bool() const { return object_ != nullptr; }
  Base* operator->() const { return object_.get(); }
  Base& operator*() const { return *object_; }
  const std::shared_ptr<Base>& shared() const { return object_; }

 private:
  std::shared_ptr<Base> object_;
};

}  // namespace keras
