// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/tensor/nest.h"

namespace keras {

namespace internal {

template <class T>
concept PlainArgument = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_convertible_v<T, std::string>;

// Declared first, since they call each other.
template <class T>
void add_leaves(std::vector<Tensor>& out, const std::vector<T>& list);
template <class T>
void add_leaves(std::vector<Tensor>& out, const std::map<std::string, T>& items);
template <class A, class B>
void add_leaves(std::vector<Tensor>& out, const std::pair<A, B>& items);
template <class... T>
void add_leaves(std::vector<Tensor>& out, const std::tuple<T...>& items);
template <class T>
std::vector<T> with_leaves(const std::vector<T>& like, std::span<const Tensor>& leaves);
template <class T>
std::map<std::string, T> with_leaves(const std::map<std::string, T>& like, std::span<const Tensor>& leaves);

// The tensors of arguments and results, in order; what is no tensor has none.
inline void add_leaves(std::vector<Tensor>& out, const Tensor& t) {
  if (t.defined()) out.push_back(t);
}
inline void add_leaves(std::vector<Tensor>& out, const Nest& nest) {
  for (const Tensor& t : nest.flatten()) out.push_back(t);
}
template <class T>
void add_leaves(std::vector<Tensor>& out, const std::vector<T>& list) {
  for (const T& item : list) add_leaves(out, item);
}
template <class T>
void add_leaves(std::vector<Tensor>& out, const std::map<std::string, T>& items) {
  for (const auto& [name, item] : items) add_leaves(out, item);
}
template <class A, class B>
void add_leaves(std::vector<Tensor>& out, const std::pair<A, B>& items) {
  add_leaves(out, items.first);
  add_leaves(out, items.second);
}
template <class... T>
void add_leaves(std::vector<Tensor>& out, const std::tuple<T...>& items) {
  std::apply([&out](const auto&... item) { (add_leaves(out, item), ...); }, items);
}
template <PlainArgument T>
void add_leaves(std::vector<Tensor>&, const T&) {}

// Arguments with other tensors in the places of theirs.
inline Tensor with_leaves(const Tensor& like, std::span<const Tensor>& leaves) {
  if (!like.defined()) return like;
  const Tensor out = leaves.front();
  leaves = leaves.subspan(1);
  return out;
}
inline Nest with_leaves(const Nest& like, std::span<const Tensor>& leaves) {
  const size_t count = like.flatten().size();
  const Nest out = like.pack({leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(count)});
  leaves = leaves.subspan(count);
  return out;
}
template <class T>
std::vector<T> with_leaves(const std::vector<T>& like, std::span<const Tensor>& leaves) {
  std::vector<T> out;
  for (const T& item : like) out.push_back(with_leaves(item, leaves));
  return out;
}
template <class T>
std::map<std::string, T> with_leaves(const std::map<std::string, T>& like, std::span<const Tensor>& leaves) {
  std::map<std::string, T> out;
  for (const auto& [name, item] : like) out.emplace(name, with_leaves(item, leaves));
  return out;
}
template <PlainArgument T>
T with_leaves(const T& like, std::span<const Tensor>&) {
  return like;
}

/// Runs `now` (the function on `operands`, giving the tensors of its results) so that tapes keep nothing of
/// it but the operands; their gradient runs `again` on values equal to the operands.
void rematerialize(const std::function<std::vector<Tensor>()>& now,
                   std::function<std::vector<Tensor>(std::span<const Tensor>)> again,
                   const std::vector<Tensor>& operands);

}  // namespace internal

/// A function whose inside is not kept for the gradient but computed again in the backward pass
/// (keras.remat): less memory for more time. Values and gradients are those of `f` itself.
///
/// `f` takes and gives tensors, nests, and lists and string-keyed maps of them; numbers and strings are
/// passed on. Gradients also reach the variables that it reads and the tensors that it captured. When it runs
/// again it sees variables as they were the first time, draws the same random numbers, and what it assigns
/// (batch statistics, the states of seeds) is not assigned twice. Works eagerly, inside function() and in
/// fit.
///
///     auto block = remat([&](const Tensor& x) { return dense2(dense1(x)); });
///     auto y = block(x);
template <class F>
auto remat(F&& f) {
  using Body = std::decay_t<F>;
  return [body = std::make_shared<Body>(std::forward<F>(f))]<class... Args>(const Args&... args) {
    using Result = std::decay_t<std::invoke_result_t<Body&, const Args&...>>;
    std::vector<Tensor> operands;
    (internal::add_leaves(operands, args), ...);
    std::optional<Result> result;
    const auto now = [&] {
      result.emplace((*body)(args...));
      std::vector<Tensor> out;
      internal::add_leaves(out, *result);
      return out;
    };
    auto again = [body, given = std::make_shared<const std::tuple<std::decay_t<const Args>...>>(args...)](
                     std::span<const Tensor> leaves) {
      // Braces: the arguments are read from left to right.
      const auto replaced = std::apply(
          [&](const auto&... arg) {
            return std::tuple<std::decay_t<decltype(arg)>...>{internal::with_leaves(arg, leaves)...};
          },
          *given);
      std::vector<Tensor> out;
      internal::add_leaves(out, std::apply(*body, replaced));
      return out;
    };
    internal::rematerialize(now, std::move(again), operands);
    return std::move(*result);
  };
}

}  // namespace keras
