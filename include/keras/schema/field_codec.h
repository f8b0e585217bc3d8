// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/base/small_vector.h"
#include "keras/schema/json.h"
#include "keras/tensor/dtype.h"
#include "keras/tensor/shape.h"

namespace keras {

/// How values of one C++ type become JSON and back, for field tables. Rooms above specialise it for their
/// types:
///
///     template <>
///     struct FieldCodec<Initializer> {
///       static std::string kind() { return "initializer"; }       // for docs and command lines
///       static Json to_json(const Initializer& value);
///       static Initializer from_json(const Json& json, std::string_view where);   // where: "Dense.units"
///     };
template <class T>
struct FieldCodec;

/// The names of an enum's values: specialise with `static constexpr EnumName<E> names[] = {{E::a, "a"},
/// ...}`. Enums with such a table are strings in configs.
template <class E>
struct EnumNames;

/// One value of an enum and its name.
template <class E>
struct EnumName {
  E value;           ///< the enumerator
  const char* name;  ///< as Keras writes it
};

namespace internal {

/// The functions of a FieldCodec, without its C++ type.
struct FieldType {
  std::string (*kind)();
  Json (*to_json)(const void* value);
  void (*from_json)(const Json& json, void* value, std::string_view where);
};

template <class T>
inline constexpr FieldType field_type = {
    [] { return FieldCodec<T>::kind(); },
    [](const void* value) { return FieldCodec<T>::to_json(*static_cast<const T*>(value)); },
    [](const Json& json, void* value, std::string_view where) {
      *static_cast<T*>(value) = FieldCodec<T>::from_json(json, where);
    }};

/// An integer within bounds. Throws TypeError for another kind, ValueError outside.
int64_t integer_from_json(const Json& json, std::string_view where, int64_t low, int64_t high);
/// The items of a list. Throws TypeError for another kind, ValueError unless there are `count` (any if
/// negative).
const Json::List& items_from_json(const Json& json, std::string_view where, int64_t count = -1);
/// "Dense.units[2]".
std::string item_where(std::string_view where, size_t index);
/// Throws ValueError with the valid names.
[[noreturn]] void fail_enum(std::string_view where, const std::string& name,
                            const std::vector<std::string>& names);

template <class List>
Json list_to_json(const List& values) {
  Json::List out;
  for (const auto& value : values) {
    out.push_back(FieldCodec<std::remove_cvref_t<decltype(value)>>::to_json(value));
  }
  return out;
}

template <class List, class Item>
List list_from_json(const Json& json, std::string_view where) {
  List out;
  size_t index = 0;
  for (const auto& item : items_from_json(json, where)) {
    out.push_back(FieldCodec<Item>::from_json(item, item_where(where, index++)));
  }
  return out;
}

}  // namespace internal

template <>
struct FieldCodec<bool> {
  static std::string kind() { return "bool"; }
  static Json to_json(bool value) { return value; }
  static bool from_json(const Json& json, std::string_view where) { return json.as_bool(where); }
};

template <class T>
requires(std::integral<T> && !std::same_as<T, bool>) struct FieldCodec<T> {
  static std::string kind() { return "int"; }
  static Json to_json(T value) { return value; }
  static T from_json(const Json& json, std::string_view where) {
    using Limits = std::numeric_limits<T>;
    constexpr int64_t low = std::is_signed_v<T> ? static_cast<int64_t>(Limits::min()) : 0;
    constexpr int64_t high =
        sizeof(T) < 8 ? static_cast<int64_t>(Limits::max()) : std::numeric_limits<int64_t>::max();
    return static_cast<T>(internal::integer_from_json(json, where, low, high));
  }
};

template <class T>
requires std::floating_point<T>
struct FieldCodec<T> {
  static std::string kind() { return "float"; }
  static Json to_json(T value) { return value; }
  static T from_json(const Json& json, std::string_view where) { return static_cast<T>(json.as_real(where)); }
};

template <>
struct FieldCodec<std::string> {
  static std::string kind() { return "str"; }
  static Json to_json(const std::string& value) { return value; }
  static std::string from_json(const Json& json, std::string_view where) { return json.as_string(where); }
};

/// Free-form parts of a config.
template <>
struct FieldCodec<Json> {
  static std::string kind() { return "json"; }
  static Json to_json(const Json& value) { return value; }
  static Json from_json(const Json& json, std::string_view) { return json; }
};

template <class E>
requires requires { EnumNames<E>::names; }
struct FieldCodec<E> {
  static std::string kind() { return "str"; }
  static Json to_json(E value) {
    for (const auto& row : EnumNames<E>::names) {
      if (row.value == value) return row.name;
    }
    return nullptr;
  }
  static E from_json(const Json& json, std::string_view where) {
    const std::string& name = json.as_string(where);
    std::vector<std::string> names;
    for (const auto& row : EnumNames<E>::names) {
      if (name == row.name) return row.value;
      names.emplace_back(row.name);
    }
    internal::fail_enum(where, name, names);
  }
};

template <>
struct FieldCodec<DType> {
  static std::string kind() { return "dtype"; }
  static Json to_json(DType value) { return dtype_name(value); }
  static DType from_json(const Json& json, std::string_view where) {
    return parse_dtype(json.as_string(where));
  }
};

/// A list with null for every dimension that is no number.
template <>
struct FieldCodec<Shape> {
  static std::string kind() { return "shape"; }
  static Json to_json(const Shape& value);
  static Shape from_json(const Json& json, std::string_view where);
};

/// null or the value.
template <class T>
struct FieldCodec<std::optional<T>> {
  static std::string kind() {
    std::string text = FieldCodec<T>::kind();
    text += " or null";  // g++ 12 warns falsely of operator+ here
    return text;
  }
  static Json to_json(const std::optional<T>& value) {
    return value ? FieldCodec<T>::to_json(*value) : Json();
  }
  static std::optional<T> from_json(const Json& json, std::string_view where) {
    if (json.is_null()) return std::nullopt;
    return FieldCodec<T>::from_json(json, where);
  }
};

template <class T>
struct FieldCodec<std::vector<T>> {
  static std::string kind() { return "list of " + FieldCodec<T>::kind(); }
  static Json to_json(const std::vector<T>& values) { return internal::list_to_json(values); }
  static std::vector<T> from_json(const Json& json, std::string_view where) {
    return internal::list_from_json<std::vector<T>, T>(json, where);
  }
};

template <class T, size_t N>
struct FieldCodec<SmallVector<T, N>> {
  static std::string kind() { return "list of " + FieldCodec<T>::kind(); }
  static Json to_json(const SmallVector<T, N>& values) { return internal::list_to_json(values); }
  static SmallVector<T, N> from_json(const Json& json, std::string_view where) {
    return internal::list_from_json<SmallVector<T, N>, T>(json, where);
  }
};

/// A tuple of fixed length, a list in JSON.
template <class T, size_t N>
struct FieldCodec<std::array<T, N>> {
  static std::string kind() { return "tuple of " + std::to_string(N) + " " + FieldCodec<T>::kind(); }
  static Json to_json(const std::array<T, N>& values) { return internal::list_to_json(values); }
  static std::array<T, N> from_json(const Json& json, std::string_view where) {
    const auto& items = internal::items_from_json(json, where, N);
    std::array<T, N> out{};
    for (size_t i = 0; i < N; ++i)
      out[i] = FieldCodec<T>::from_json(items[i], internal::item_where(where, i));
    return out;
  }
};

template <class A, class B>
struct FieldCodec<std::pair<A, B>> {
  static std::string kind() { return "tuple of " + FieldCodec<A>::kind() + " and " + FieldCodec<B>::kind(); }
  static Json to_json(const std::pair<A, B>& value) {
    return Json::list({FieldCodec<A>::to_json(value.first), FieldCodec<B>::to_json(value.second)});
  }
  static std::pair<A, B> from_json(const Json& json, std::string_view where) {
    const auto& items = internal::items_from_json(json, where, 2);
    return {FieldCodec<A>::from_json(items[0], internal::item_where(where, 0)),
            FieldCodec<B>::from_json(items[1], internal::item_where(where, 1))};
  }
};

/// A dictionary, in insertion order.
template <class T>
struct FieldCodec<std::vector<std::pair<std::string, T>>> {
  static std::string kind() { return "dict of " + FieldCodec<T>::kind(); }
  static Json to_json(const std::vector<std::pair<std::string, T>>& values) {
    Json::Dict out;
    for (const auto& [key, value] : values) out.emplace_back(key, FieldCodec<T>::to_json(value));
    return Json::dict(std::move(out));
  }
  static std::vector<std::pair<std::string, T>> from_json(const Json& json, std::string_view where) {
    std::vector<std::pair<std::string, T>> out;
    for (const auto& [key, value] : json.as_dict(where)) {
      out.emplace_back(key, FieldCodec<T>::from_json(value, std::string(where) + "." + key));
    }
    return out;
  }
};

}  // namespace keras
