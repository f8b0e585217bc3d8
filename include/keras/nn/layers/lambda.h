// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "keras/nn/layer.h"

namespace keras {

namespace internal {

// Converts to a tensor but not to a nest, and the other way round: tells what a callable takes.
struct TakesTensor {
  operator const Tensor&() const;
};
struct TakesNest {
  operator const Nest&() const;
};

}  // namespace internal

/// What a Lambda layer calls: a C++ callable, or the name of a registered one. The callable takes a
/// `const Tensor&` (one input) or a `const Nest&` (several), then optionally a `const CallArgs&` (training,
/// mask), then optionally a `const Json&` (the layer's `arguments`), and gives a Tensor or a Nest.
class LambdaFunction {
 public:
  /// Any of these callables in one form.
  using Function = std::function<Nest(const Nest& inputs, const CallArgs& args, const Json& arguments)>;

  LambdaFunction() = default;
  /// A function of saving::register_function, by its name or as "package>name". Throws ValueError for an
  /// unknown one.
  ///@{
  LambdaFunction(const std::string& registered_name);  // NOLINT: by design
  LambdaFunction(const char* registered_name) : LambdaFunction(std::string(registered_name)) {}  // NOLINT
  ///@}
  /// A callable. It has no name, so that a layer with it cannot be saved.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, LambdaFunction> && !std::is_convertible_v<F, std::string>)
      LambdaFunction(F&& callable)  // NOLINT: by design
      : function_(adapted(std::forward<F>(callable))) {}

  explicit operator bool() const { return function_ != nullptr; }
  /// Calls it.
  Nest operator()(const Nest& inputs, const CallArgs& args, const Json& arguments) const {
    return function_(inputs, args, arguments);
  }
  /// "package>name", or "" for a function without a name.
  const std::string& registered_name() const { return registered_name_; }
  /// The same function under a name.
  LambdaFunction named(std::string registered_name) const;

 private:
  template <class F>
  static Function adapted(F&& given) {
    using Callable = std::remove_cvref_t<F>;
    using internal::TakesNest;
    using internal::TakesTensor;
    return [f = Callable(std::forward<F>(given))](const Nest& x, const CallArgs& a, const Json& j) -> Nest {
      if constexpr (std::is_invocable_v<const Callable&, TakesTensor>) {
        return f(x.tensor());
      } else if constexpr (std::is_invocable_v<const Callable&, TakesTensor, const CallArgs&>) {
        return f(x.tensor(), a);
      } else if constexpr (std::is_invocable_v<const Callable&, TakesTensor, const Json&>) {
        return f(x.tensor(), j);
      } else if constexpr (std::is_invocable_v<const Callable&, TakesTensor, const CallArgs&, const Json&>) {
        return f(x.tensor(), a, j);
      } else if constexpr (std::is_invocable_v<const Callable&, TakesNest>) {
        return f(x);
      } else if constexpr (std::is_invocable_v<const Callable&, TakesNest, const CallArgs&>) {
        return f(x, a);
      } else if constexpr (std::is_invocable_v<const Callable&, TakesNest, const Json&>) {
        return f(x, j);
      } else {
        return f(x, a, j);
      }
    };
  }

  Function function_;
  std::string registered_name_;
};

/// {"module": "builtins", "class_name": "function", "config": "package>name", "registered_name": "function"},
/// or null for none. Writing a function without a name throws UnsupportedError, and so does reading a Python
/// lambda, which is Python's bytecode.
template <>
struct FieldCodec<LambdaFunction> {
  static std::string kind() { return "registered function"; }
  static Json to_json(const LambdaFunction& value);
  static LambdaFunction from_json(const Json& json, std::string_view where);
};

namespace saving {

/// Gives a callable the name "package>name" in files, and returns it with that name; Python Keras knows it by
/// `@keras.saving.register_keras_serializable(package, name)`. A later registration replaces an earlier one.
/// Throws ValueError for an empty name, a name with '>', and a function that is none.
LambdaFunction register_function(const std::string& name, const LambdaFunction& function,
                                 const std::string& package = "Custom");

}  // namespace saving

struct LambdaOptions {
  LambdaFunction function = {};  ///< what the layer computes; set by the constructor
  Json output_shape = {};        ///< the output's shape without the batch, as a list; null: found by calling
  LambdaFunction mask = {};      ///< gives the output's mask; CallArgs::mask holds the inputs'; none: no mask
  Json arguments = {};           ///< a dictionary that the function gets
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<LambdaOptions> {
  using O = LambdaOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::function>("function", "What the layer computes"),
                 field<&O::output_shape>("output_shape", "The output's shape without the batch"),
                 field<&O::mask>("mask", "Gives the output's mask"),
                 field<&O::arguments>("arguments", "A dictionary that the function gets"));
};

namespace layers {

/// Any function of tensors as a layer, without weights (keras.layers.Lambda):
///
///     layers::Lambda([](const Tensor& x) { return x * x; })
///
/// A function has to be registered by saving::register_function for the layer to be saved. Throws ValueError
/// for no function.
class Lambda : public ConfiguredLayer<Lambda, LambdaOptions> {
 public:
  static constexpr const char* kClassName = "Lambda";
  template <std::same_as<LambdaOptions> O>
  explicit Lambda(O options) : Lambda(options.function, options) {}
  explicit Lambda(LambdaFunction function, LambdaOptions options = {});
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Shape compute_output_shape(const Shape& input_shape) const override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
  Json get_config() const override;
};

}  // namespace layers
}  // namespace keras
