// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "keras/schema/field_codec.h"
#include "keras/schema/json.h"

/// Options are declared once: a struct with defaults in its initialisers, and one table that names and
/// explains its fields. Config JSON, command-line flags, bindings, docs and the round-trip tests read the
/// table.
///
///     struct DenseOptions {
///       bool use_bias = true;
///       std::string name = {};
///     };
///     template <>
///     struct FieldTable<DenseOptions> {
///       static constexpr auto fields = field_list(
///           field<&DenseOptions::name>("name", "Name of the layer"),
///           field<&DenseOptions::use_bias>("use_bias", "Whether the layer has a bias"));
///     };
namespace keras {

/// One field of an options struct, without its C++ types.
struct Field {
  const char* name = "";                      ///< in configs
  const char* doc = "";                       ///< one line of explanation
  void* (*locate)(void* options) = nullptr;   ///< the field inside its struct
  const internal::FieldType* type = nullptr;  ///< how its C++ type is read and written

  /// The field's value as JSON.
  Json read(const void* options) const { return type->to_json(locate(const_cast<void*>(options))); }
  /// Sets the field. Throws TypeError or ValueError with `where` when the value does not fit.
  void write(void* options, const Json& value, std::string_view where) const {
    type->from_json(value, locate(options), where);
  }
};

namespace internal {

template <class>
struct MemberOf;
template <class Struct, class Value>
struct MemberOf<Value Struct::*> {
  using StructType = Struct;
  using ValueType = Value;
};

template <size_t N>
constexpr size_t field_count(const std::array<Field, N>&) {
  return N;
}
constexpr std::array<Field, 1> as_fields(const Field& f) { return {f}; }
template <size_t N>
constexpr std::array<Field, N> as_fields(const std::array<Field, N>& fields) {
  return fields;
}

template <size_t A, size_t B>
constexpr std::array<Field, A + B> join_fields(const std::array<Field, A>& a, const std::array<Field, B>& b) {
  std::array<Field, A + B> out{};
  for (size_t i = 0; i < A; ++i) out[i] = a[i];
  for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
  return out;
}

}  // namespace internal

/// A row of a table: a member that the struct itself declares (not one of a base), its name in configs, and
/// one line of explanation.
template <auto Member>
constexpr Field field(const char* name, const char* doc) {
  using Struct = typename internal::MemberOf<decltype(Member)>::StructType;
  using Value = typename internal::MemberOf<decltype(Member)>::ValueType;
  return {name, doc, [](void* options) -> void* { return &(static_cast<Struct*>(options)->*Member); },
          &internal::field_type<Value>};
}

/// The rows, and lists of rows that several tables share (a function template over the options type makes
/// such a list: `layer_fields<DenseOptions>()`), as one list.
constexpr std::array<Field, 0> field_list() { return {}; }
template <class First, class... Rest>
constexpr auto field_list(const First& first, const Rest&... rest) {
  return internal::join_fields(internal::as_fields(first), field_list(rest...));
}

/// Specialised for every options struct, with a member `static constexpr auto fields = field_list(...)`.
template <class Options>
struct FieldTable;

/// The table of an options struct.
template <class Options>
std::span<const Field> fields_of() {
  static constexpr auto& fields = FieldTable<Options>::fields;
  return {fields.data(), fields.size()};
}

/// The row of a name, or nullptr.
const Field* find_field(std::span<const Field> fields, std::string_view name);

/// The options at `options` as a dictionary, in the order of the table.
Json to_config(std::span<const Field> fields, const void* options);

/// Sets the fields that the dictionary has; others keep their values. Throws ValueError for unknown keys,
/// with the valid ones, and TypeError or ValueError for values that do not fit, naming `where` and the field.
void from_config(std::span<const Field> fields, const Json& config, void* options, std::string_view where);

/// The names of the fields whose values differ between two objects.
std::vector<std::string> changed_fields(std::span<const Field> fields, const void* options,
                                        const void* others);

/// The options as a dictionary, in the order of their table.
template <class Options>
Json to_config(const Options& options) {
  return to_config(fields_of<Options>(), &options);
}

/// Sets the fields that the dictionary has; see above.
template <class Options>
void from_config(const Json& config, Options& options, std::string_view where) {
  from_config(fields_of<Options>(), config, &options, where);
}

/// The names of the fields that differ from the defaults.
template <class Options>
std::vector<std::string> changed_fields(const Options& options) {
  const Options defaults{};
  return changed_fields(fields_of<Options>(), &options, &defaults);
}

/// Options inside options are dictionaries.
template <class T>
requires requires { FieldTable<T>::fields; }
struct FieldCodec<T> {
  static std::string kind() { return "dict"; }
  static Json to_json(const T& value) { return to_config(value); }
  static T from_json(const Json& json, std::string_view where) {
    T value{};
    from_config(json, value, where);
    return value;
  }
};

}  // namespace keras
