// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "keras/base/small_vector.h"
#include "keras/schema/field_codec.h"

namespace keras {

/// "An integer or a tuple of integers": `3` means the same for every axis, `{3, 5}` one for each. In configs
/// an integer or a list.
class IntTuple {
 public:
  IntTuple() = default;  ///< an empty tuple
  template <std::integral T>
  IntTuple(T value) : values_{static_cast<int64_t>(value)}, scalar_(true) {}  // NOLINT: by design
  IntTuple(std::initializer_list<int64_t> values) : values_(values) {}
  explicit IntTuple(SmallVector<int64_t, 4> values) : values_(std::move(values)) {}

  /// True for a single integer that stands for every axis.
  bool scalar() const { return scalar_; }
  bool empty() const { return values_.empty(); }
  size_t size() const { return values_.size(); }
  int64_t operator[](size_t i) const { return values_[i]; }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

  /// The tuple with `count` values, a single integer repeated. Throws ValueError, naming `where` and the
  /// argument, when the length differs or a value is below `least`.
  IntTuple expanded(size_t count, std::string_view where, std::string_view argument, int64_t least = 1) const;

  friend bool operator==(const IntTuple&, const IntTuple&) = default;

 private:
  SmallVector<int64_t, 4> values_;
  bool scalar_ = false;
};

/// An integer or a list of integers.
template <>
struct FieldCodec<IntTuple> {
  static std::string kind() { return "int or tuple of int"; }
  static Json to_json(const IntTuple& value);
  static IntTuple from_json(const Json& json, std::string_view where);
};

}  // namespace keras
