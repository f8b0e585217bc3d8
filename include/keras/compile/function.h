// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/graph/attributes.h"
#include "keras/tensor/nest.h"

namespace keras {

/// How a function is traced and compiled.
struct FunctionOptions {
  std::string name = "function";  ///< for messages and profiles
  /// One type for each tensor among the arguments, in flattening order; unknown dimensions take any size.
  /// With it the function is traced once, and any other call is a ValueError.
  std::optional<std::vector<TensorType>> input_signature = {};
  /// Dimensions that differ from an earlier call become unknown, so that later calls share one trace.
  bool reduce_retracing = false;
  /// Passes that are left out, by name (see `compile_passes()`).
  std::vector<std::string> disabled_passes = {};
};

namespace internal {

/// What identifies a call: tokens of its structure, types and constants.
using CallKey = SmallVector<int64_t, 96>;

/// Writes arguments down, as leaves and as tokens of a key.
class ArgumentList {
 public:
  void add(const Tensor& tensor);
  void add(const Nest& nest);
  void add(const std::vector<Tensor>& list);
  void add(const std::vector<Nest>& list);
  template <class T>
  void add(const std::map<std::string, T>& items) {
    key_.push_back(-5);
    key_.push_back(static_cast<int64_t>(items.size()));
    for (const auto& [name, value] : items) {
      add_text(name);
      add(value);
    }
  }
  template <class T>
  void add(const std::optional<T>& value) {
    key_.push_back(value ? -6 : -7);
    if (value) add(*value);
  }
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void add(T value) {
    key_.push_back(-8);
    if constexpr (std::is_floating_point_v<T>) {
      add_number(static_cast<double>(value));
    } else {
      key_.push_back(static_cast<int64_t>(value));
    }
  }
  void add(const std::string& text) { add_text(text); }
  void add(const char* text) { add_text(text); }

  CallKey& key() { return key_; }
  const CallKey& key() const { return key_; }
  std::span<const Tensor> leaves() const { return {leaves_.data(), leaves_.size()}; }
  /// Where the key holds the dimensions of leaf i.
  size_t dims_at(size_t leaf) const { return dims_at_[leaf]; }

 private:
  void add_text(std::string_view text);
  void add_number(double value);
  CallKey key_;
  SmallVector<Tensor, 8> leaves_;
  SmallVector<size_t, 8> dims_at_;
};

/// Puts tensors in the places of those that an ArgumentList took out, in the same order.
class ArgumentReader {
 public:
  explicit ArgumentReader(std::span<const Tensor> leaves) : leaves_(leaves) {}
  Tensor read(const Tensor& like);
  Nest read(const Nest& like);
  std::vector<Tensor> read(const std::vector<Tensor>& like);
  std::vector<Nest> read(const std::vector<Nest>& like);
  template <class T>
  std::map<std::string, T> read(const std::map<std::string, T>& like) {
    std::map<std::string, T> out;
    for (const auto& [name, value] : like) out.emplace(name, read(value));
    return out;
  }
  template <class T>
  std::optional<T> read(const std::optional<T>& like) {
    return like ? std::optional<T>(read(*like)) : std::nullopt;
  }
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T> T read(T value) { return value; }
  const std::string& read(const std::string& text) { return text; }
  const char* read(const char* text) { return text; }

 private:
  std::span<const Tensor> leaves_;
  size_t next_ = 0;
};

// Results as a nest, and back.
inline Nest result_nest(const Tensor& t) { return t.defined() ? Nest(t) : Nest(); }
inline Nest result_nest(const Nest& nest) { return nest; }
inline Nest result_nest(const std::vector<Tensor>& list) {
  std::vector<Nest> items;
  for (const Tensor& t : list) items.push_back(result_nest(t));
  return Nest(std::move(items));
}
template <class T>
Nest result_nest(const std::map<std::string, T>& items) {
  std::vector<Nest::Item> out;
  for (const auto& [name, value] : items) out.emplace_back(name, result_nest(value));
  return Nest::dict(std::move(out));
}
template <class... T>
Nest result_nest(const std::tuple<T...>& items) {
  return std::apply([](const auto&... item) { return Nest(std::vector<Nest>{result_nest(item)...}); }, items);
}
template <class A, class B>
Nest result_nest(const std::pair<A, B>& items) {
  return Nest(std::vector<Nest>{result_nest(items.first), result_nest(items.second)});
}

template <class T>
struct ResultOf;
template <>
struct ResultOf<Tensor> {
  static Tensor from(const Nest& nest) { return nest.is_none() ? Tensor() : nest.tensor(); }
};
template <>
struct ResultOf<Nest> {
  static Nest from(const Nest& nest) { return nest; }
};
template <>
struct ResultOf<std::vector<Tensor>> {
  static std::vector<Tensor> from(const Nest& nest) {
    std::vector<Tensor> out;
    for (const Nest& item : nest.list()) out.push_back(ResultOf<Tensor>::from(item));
    return out;
  }
};
template <class T>
struct ResultOf<std::map<std::string, T>> {
  static std::map<std::string, T> from(const Nest& nest) {
    std::map<std::string, T> out;
    for (const auto& [name, value] : nest.items()) out.emplace(name, ResultOf<T>::from(value));
    return out;
  }
};
template <class... T>
struct ResultOf<std::tuple<T...>> {
  static std::tuple<T...> from(const Nest& nest) {
    return [&nest]<size_t... i>(std::index_sequence<i...>) {
      return std::tuple<T...>{ResultOf<T>::from(nest.list()[i])...};
    }
    (std::index_sequence_for<T...>());
  }
};
template <class A, class B>
struct ResultOf<std::pair<A, B>> {
  static std::pair<A, B> from(const Nest& nest) {
    return {ResultOf<A>::from(nest.list()[0]), ResultOf<B>::from(nest.list()[1])};
  }
};

/// The part of a Function that does not depend on the C++ types.
class FunctionCore {
 public:
  /// The body on given leaves (traced ones, or those of the call).
  using Body = std::function<Nest(std::span<const Tensor> leaves)>;
  explicit FunctionCore(FunctionOptions options);
  ~FunctionCore();
  FunctionCore(const FunctionCore&) = delete;
  FunctionCore& operator=(const FunctionCore&) = delete;
  Nest call(ArgumentList& arguments, const Body& body);
  /// The same for a function of one tensor as its result: nothing is taken from the heap.
  Tensor call_for_tensor(ArgumentList& arguments, const Body& body);
  int64_t traces() const;
  std::string to_string() const;
  std::string to_dot() const;
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace internal

/// A function of tensors that is traced into a program at its first call for each signature, and from then on
/// runs as that program, compiled (TensorFlow's tf.function, jax.jit).
///
/// The body is ordinary C++: it runs once for each signature, with tensors that stand for values. Variables
/// may be read and assigned: they are read when the program runs. Tensors from outside and C++ numbers are
/// frozen as they are when it is traced. Where a value decides, use ops::cond, ops::while_loop, ops::scan.
/// A signature is the structure, dtypes and shapes of the tensors, the values of other arguments, the
/// backend, and the defaults (floatx, dtype policy). Copies share the traces; a Function may be called from
/// several threads.
///
///     auto step = function([&](const Tensor& x, const Tensor& y) {
///       GradientTape tape;
///       auto loss = loss_fn(y, model(x, {.training = true}));
///       optimizer.apply(tape.gradient(loss, model.trainable_variables()), model.trainable_variables());
///       return loss;
///     });
///
/// Arguments are tensors, nests, vectors and string-keyed maps of them, and numbers or strings, which are
/// part of the signature. Results are tensors, nests, and vectors, maps, pairs and tuples of them, or
/// nothing.
template <class F>
class Function {
 public:
  explicit Function(F body, FunctionOptions options = {})
      : body_(std::make_shared<F>(std::move(body))),
        core_(std::make_shared<internal::FunctionCore>(std::move(options))) {}

  /// Runs the program of this signature, tracing it first if it is new. Throws what the body throws while it
  /// is traced, and ValueError for a call that does not fit the input signature.
  template <class... Args>
  auto operator()(const Args&... args) const {
    using Result = std::decay_t<decltype((*body_)(std::declval<internal::ArgumentReader&>().read(args)...))>;
    internal::ArgumentList list;
    (list.add(args), ...);
    const auto body = [&](std::span<const Tensor> leaves) -> Nest {
      internal::ArgumentReader reader(leaves);
      // Braces: the arguments are read from left to right.
      std::tuple<std::decay_t<decltype(reader.read(args))>...> given{reader.read(args)...};
      if constexpr (std::is_void_v<Result>) {
        std::apply(*body_, given);
        return Nest();
      } else {
        return internal::result_nest(std::apply(*body_, given));
      }
    };
    if constexpr (std::is_void_v<Result>) {
      core_->call(list, std::ref(body));
    } else if constexpr (std::is_same_v<Result, Tensor>) {
      return core_->call_for_tensor(list, std::ref(body));
    } else {
      return internal::ResultOf<Result>::from(core_->call(list, std::ref(body)));
    }
  }

  /// How often the body was traced.
  int64_t traces() const { return core_->traces(); }
  /// The program of the latest trace, as text: a line for each op, after the passes.
  std::string to_string() const { return core_->to_string(); }
  /// The same in Graphviz' dot language.
  std::string to_dot() const { return core_->to_dot(); }
  /// Forgets all traces.
  void clear() const { core_->clear(); }

 private:
  std::shared_ptr<F> body_;
  std::shared_ptr<internal::FunctionCore> core_;
};

/// The names of the passes that a program goes through, in the order of their first run.
std::vector<std::string> compile_passes();

/// Makes a Function of a lambda or function object.
template <class F>
Function<std::decay_t<F>> function(F&& body, FunctionOptions options = {}) {
  return Function<std::decay_t<F>>(std::forward<F>(body), std::move(options));
}

}  // namespace keras
