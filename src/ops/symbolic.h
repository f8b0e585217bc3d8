// SPDX-License-Identifier: Apache-2.0
// The functional-graph side of public functions. Each begins with
//
//     if (auto node = symbolic<&mean>(x, axis, keepdims)) return *node;
//
// which costs a look at each tensor, and records a node when one of them is a KerasTensor.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/arguments.h"
#include "keras/ops/operation.h"

namespace keras::internal {

/// True for a KerasTensor outside of abstract evaluation.
bool starts_node(const Tensor& tensor);

// What a parameter's C++ type means for nodes: whether it holds tensors, and its way into a nest and back.
template <class T>
struct NodeArgument {
  static constexpr bool tensors = false;
  static bool symbolic(const T&) { return false; }
};
template <>
struct NodeArgument<Tensor> {
  static constexpr bool tensors = true;
  static bool symbolic(const Tensor& t) { return t.abstract() && starts_node(t); }
  static Nest to_nest(const Tensor& t) { return t.defined() ? Nest(t) : Nest(); }
  static void from_nest(Tensor& t, const Nest& nest) { t = nest.is_none() ? Tensor() : nest.tensor(); }
};
template <>
struct NodeArgument<std::vector<Tensor>> {
  static constexpr bool tensors = true;
  static bool symbolic(const std::vector<Tensor>& list) {
    for (const Tensor& t : list) {
      if (NodeArgument<Tensor>::symbolic(t)) return true;
    }
    return false;
  }
  static Nest to_nest(const std::vector<Tensor>& list) {
    std::vector<Nest> items;
    for (const Tensor& t : list) items.push_back(NodeArgument<Tensor>::to_nest(t));
    return Nest(std::move(items));
  }
  static void from_nest(std::vector<Tensor>& list, const Nest& nest) {
    list.clear();
    if (nest.is_leaf()) list.push_back(nest.tensor());
    if (nest.is_list()) {
      for (const Nest& item : nest.list()) list.push_back(item.is_none() ? Tensor() : item.tensor());
    }
  }
};
template <>
struct NodeArgument<Nest> {
  static constexpr bool tensors = true;
  static bool symbolic(const Nest& nest) {
    return nest.is_leaf() ? NodeArgument<Tensor>::symbolic(nest.tensor())
                          : NodeArgument<std::vector<Tensor>>::symbolic(nest.flatten());
  }
  static Nest to_nest(const Nest& nest) { return nest; }
  static void from_nest(Nest& target, const Nest& nest) { target = nest; }
};
template <class T>
struct NodeArgument<std::optional<T>> {
  static constexpr bool tensors = NodeArgument<T>::tensors;
  static bool symbolic(const std::optional<T>& value) { return value && NodeArgument<T>::symbolic(*value); }
  static Nest to_nest(const std::optional<T>& value) {
    return value ? NodeArgument<T>::to_nest(*value) : Nest();
  }
  static void from_nest(std::optional<T>& target, const Nest& nest) {
    target.reset();
    if (!nest.is_none()) NodeArgument<T>::from_nest(target.emplace(), nest);
  }
};

/// One parameter of a function, without its C++ type.
struct FunctionParameter {
  bool tensors;
  bool (*symbolic)(const void* value);
  Nest (*to_nest)(const void* value);  ///< null unless it holds tensors
  void (*from_nest)(void* value, const Nest& nest);
  const FieldType* codec;  ///< null for what no config can hold
};

/// A public function, without its C++ type.
struct FunctionType {
  std::string_view name;  ///< "mean"
  std::span<const FunctionParameter> parameters;
  std::shared_ptr<void> (*make)();  ///< arguments, default-constructed
  std::shared_ptr<void> (*copy)(const void* arguments);
  void* (*argument)(void* arguments, size_t index);
  std::vector<Tensor> (*invoke)(const void* arguments);  ///< calls the function; its results, flattened
};

// Whether configs can hold a type; lists and optional values of it go by the type inside.
template <class T>
inline constexpr bool has_codec = requires {
  sizeof(FieldCodec<T>);
};
template <class T>
inline constexpr bool has_codec<std::vector<T>> = has_codec<T>;
template <class T>
inline constexpr bool has_codec<std::optional<T>> = has_codec<T>;

template <class T>
constexpr const FieldType* codec_of() {
  if constexpr (has_codec<T>) {
    return &field_type<T>;
  } else {
    return nullptr;
  }
}

template <class T>
constexpr FunctionParameter parameter_of() {
  FunctionParameter out{
      NodeArgument<T>::tensors,
      [](const void* value) { return NodeArgument<T>::symbolic(*static_cast<const T*>(value)); }, nullptr,
      nullptr, codec_of<T>()};
  if constexpr (NodeArgument<T>::tensors) {
    out.to_nest = [](const void* value) { return NodeArgument<T>::to_nest(*static_cast<const T*>(value)); };
    out.from_nest = [](void* value, const Nest& nest) {
      NodeArgument<T>::from_nest(*static_cast<T*>(value), nest);
    };
  }
  return out;
}

// Results as a flat list, and a list put back into a result's form.
inline void flatten_result(const Tensor& t, std::vector<Tensor>& out) { out.push_back(t); }
inline void flatten_result(const std::vector<Tensor>& list, std::vector<Tensor>& out) {
  out.insert(out.end(), list.begin(), list.end());
}
inline void flatten_result(const Nest& nest, std::vector<Tensor>& out) {
  flatten_result(nest.flatten(), out);
}
template <class... T>
void flatten_result(const std::tuple<T...>& items, std::vector<Tensor>& out) {
  std::apply([&](const auto&... item) { (flatten_result(item, out), ...); }, items);
}
template <class A, class B>
void flatten_result(const std::pair<A, B>& items, std::vector<Tensor>& out) {
  flatten_result(items.first, out);
  flatten_result(items.second, out);
}

inline void refill_result(Tensor& t, const Tensor*& next) { t = *next++; }
inline void refill_result(std::vector<Tensor>& list, const Tensor*& next) {
  for (Tensor& t : list) t = *next++;
}
inline void refill_result(Nest& nest, const Tensor*& next) {
  const size_t count = nest.flatten().size();
  nest = nest.pack(std::vector<Tensor>(next, next + count));
  next += count;
}
template <class... T>
void refill_result(std::tuple<T...>& items, const Tensor*& next) {
  std::apply([&](auto&... item) { (refill_result(item, next), ...); }, items);
}
template <class A, class B>
void refill_result(std::pair<A, B>& items, const Tensor*& next) {
  refill_result(items.first, next);
  refill_result(items.second, next);
}

/// "mean" for &keras::ops::mean.
template <auto F>
constexpr std::string_view function_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("F = ") + 4);
  size_t end = 0;
  size_t start = 0;
  // Up to the end of the qualified name; the last component is what counts.
  for (; end < text.size(); ++end) {
    const char c = text[end];
    const bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (part) continue;
    if (c == ':' || c == '&' || c == '(' || c == ' ') {
      start = end + 1;
    } else {
      break;
    }
  }
  return text.substr(start, end - start);
}

// What functions of one signature share, so that it is compiled once for all of them.
template <class Function>
struct Signature;
template <class R, class... Args>
struct Signature<R (*)(Args...)> {
  using Result = std::decay_t<R>;
  using Tuple = std::tuple<std::decay_t<Args>...>;
  static constexpr std::array<FunctionParameter, sizeof...(Args)> parameters{
      parameter_of<std::decay_t<Args>>()...};

  static std::shared_ptr<void> make() { return std::make_shared<Tuple>(); }
  static std::shared_ptr<void> copy(const void* arguments) {
    return std::make_shared<Tuple>(*static_cast<const Tuple*>(arguments));
  }
  template <class... A>
  static std::shared_ptr<void> hold(const A&... values) {
    return std::make_shared<Tuple>(values...);
  }
  static void* argument(void* arguments, size_t index) {
    return std::apply(
        [&](auto&... item) {
          void* places[] = {static_cast<void*>(&item)...};
          return places[index];
        },
        *static_cast<Tuple*>(arguments));
  }
};

template <class Result>
std::vector<Tensor> flattened(const Result& result) {
  std::vector<Tensor> out;
  flatten_result(result, out);
  return out;
}

template <auto F>
struct FunctionOf {
  using Sig = Signature<decltype(F)>;
  using Result = typename Sig::Result;

  [[gnu::noinline]] static Result call(const void* arguments) {
    return std::apply(F, *static_cast<const typename Sig::Tuple*>(arguments));
  }
  static constexpr FunctionType type = {
      function_name<F>(), Sig::parameters, &Sig::make,
      &Sig::copy,         &Sig::argument,  [](const void* arguments) { return flattened(call(arguments)); },
  };
};

/// Notes a function, so that files can name its class.
bool register_function(const FunctionType& type);
/// The function of a name, or nullptr; and the names of its parameters, in the order of the C++ signature.
const FunctionType* find_function(std::string_view name);
std::vector<std::string> parameter_names(const FunctionType& type);
/// Every registered function.
std::vector<const FunctionType*> registered_functions();
/// Arguments with the defaults that operations.def gives; call arguments without one are left empty.
std::shared_ptr<void> default_arguments(const FunctionType& type);
/// Records the node of a function over its arguments; `evaluate` runs the function on arguments whose
/// KerasTensors were replaced by tensors of their types.
std::vector<Tensor> record_function(const FunctionType& type, const std::shared_ptr<void>& arguments,
                                    const std::function<std::vector<Tensor>(const void*)>& evaluate);

template <auto F>
struct Registered {
  static const bool done;
};
template <auto F>
const bool Registered<F>::done = register_function(FunctionOf<F>::type);

template <class Result>
Result record_call(const FunctionType& type, const std::shared_ptr<void>& arguments,
                   Result (*call)(const void*)) {
  std::optional<Result> form;
  const auto outputs = record_function(type, arguments, [&](const void* values) {
    form = call(values);
    return flattened(*form);
  });
  const Tensor* next = outputs.data();
  refill_result(*form, next);
  return std::move(*form);
}

template <auto F, class... A>
[[gnu::noinline, gnu::cold]] typename FunctionOf<F>::Result record(const A&... args) {
  using Function = FunctionOf<F>;
  (void)Registered<F>::done;
  return record_call(Function::type, Function::Sig::hold(args...), &Function::call);
}

/// The recorded node's results when an argument is a KerasTensor, else nothing.
template <auto F, class... A>
std::optional<typename FunctionOf<F>::Result> symbolic(const A&... args) {
  if (!(NodeArgument<A>::symbolic(args) || ...)) return std::nullopt;
  return record<F>(args...);
}

}  // namespace keras::internal
