// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/schema/field_codec.h"
#include "keras/tensor/tensor.h"

/// Types of arguments for which Python takes several kinds of values.
namespace keras::ops {

/// An `axis` argument: none (the default), one axis, or several; negative axes count from the end.
///
///     ops::sum(x);  ops::sum(x, -1);  ops::sum(x, {0, 2});
class Axis {
 public:
  Axis() = default;        ///< none
  Axis(std::nullopt_t) {}  // NOLINT: Python's None
  template <std::integral T>
  requires(!std::same_as<T, bool>) Axis(T axis)  // NOLINT: by design
      : given_(true), single_(true), values_{static_cast<int64_t>(axis)} {}
  Axis(std::initializer_list<int64_t> axes) : given_(true), values_(axes) {}  // NOLINT
  Axis(const std::vector<int64_t>& axes)                                      // NOLINT
      : given_(true), values_(axes.begin(), axes.end()) {}
  Axis(const Axes& axes) : given_(true), values_(axes.begin(), axes.end()) {}  // NOLINT

  /// True when no axis was given.
  bool none() const { return !given_; }
  /// True for one axis that was not written as a list.
  bool single() const { return single_; }
  const SmallVector<int64_t, 4>& values() const { return values_; }
  /// The axes in [0, rank), ascending; all of them for none. Throws ValueError for one out of range or twice.
  Axes resolve(std::string_view where, int rank) const;
  /// The single axis in [0, rank). Throws ValueError for none or several.
  int resolve_one(std::string_view where, int rank) const;

 private:
  bool given_ = false;
  bool single_ = false;
  SmallVector<int64_t, 4> values_;
};

/// A `dtype` argument: none (the default), a DType, or its name.
class DTypeArgument {
 public:
  DTypeArgument() = default;                                      ///< none
  DTypeArgument(std::nullopt_t) {}                                // NOLINT: Python's None
  DTypeArgument(DType dtype) : dtype_(dtype) {}                   // NOLINT
  DTypeArgument(std::optional<DType> dtype) : dtype_(dtype) {}    // NOLINT
  DTypeArgument(const char* name) : dtype_(parse_dtype(name)) {}  // NOLINT: throws ValueError for no dtype
  DTypeArgument(const std::string& name) : dtype_(parse_dtype(name)) {}  // NOLINT

  /// Whether there is a dtype, and which.
  bool none() const { return !dtype_.has_value(); }
  DType value_or(DType otherwise) const { return dtype_.value_or(otherwise); }
  /// The dtype. Throws ValueError for none.
  DType value(std::string_view where) const;

 private:
  std::optional<DType> dtype_;
};

/// The `newshape` of reshape: numbers, symbolic dimensions, and at most one -1 for "what remains".
class NewShape {
 public:
  /// One dimension of it.
  struct Item {
    template <std::integral T>
    Item(T value) : number(static_cast<int64_t>(value)) {}  // NOLINT: by design
    Item(Dim d) : number(d.value_or(0)), dim(d) {}          // NOLINT
    int64_t number;                                         ///< -1 for what remains
    std::optional<Dim> dim;                                 ///< a symbolic dimension
  };
  NewShape() = default;
  template <std::integral T>
  NewShape(T extent) : items_{Item(extent)} {}                                         // NOLINT
  NewShape(std::initializer_list<Item> items) : items_(items) {}                       // NOLINT
  NewShape(const std::vector<int64_t>& items) : items_(items.begin(), items.end()) {}  // NOLINT
  NewShape(const Shape& shape) : items_(shape.begin(), shape.end()) {}                 // NOLINT

  /// The dimensions as given.
  const std::vector<Item>& items() const { return items_; }
  /// The shape with -1 replaced. Throws ValueError when the element counts cannot agree.
  Shape resolve(std::string_view where, const Shape& from) const;

 private:
  std::vector<Item> items_;
};

/// The `indices_or_sections` of split: a number of equal parts, or the indices at which to cut.
class Sections {
 public:
  Sections() = default;
  template <std::integral T>
  Sections(T count) : count_(static_cast<int64_t>(count)) {}                                 // NOLINT
  Sections(std::initializer_list<int64_t> indices) : by_index_(true), indices_(indices) {}   // NOLINT
  Sections(std::vector<int64_t> indices) : by_index_(true), indices_(std::move(indices)) {}  // NOLINT

  /// Which of the two it is, and its value.
  bool by_index() const { return by_index_; }
  int64_t count() const { return count_; }
  const std::vector<int64_t>& indices() const { return indices_; }

 private:
  bool by_index_ = false;
  int64_t count_ = 1;
  std::vector<int64_t> indices_;
};

/// A list of integers for which one integer may stand: `shift`, `repeats`, `source` and the like.
class Integers {
 public:
  Integers() = default;
  template <std::integral T>
  Integers(T value) : single_(true), values_{static_cast<int64_t>(value)} {}  // NOLINT
  Integers(std::initializer_list<int64_t> values) : values_(values) {}        // NOLINT
  Integers(const std::vector<int64_t>& values) : values_(values) {}           // NOLINT

  /// Whether it was one integer, and the integers.
  bool single() const { return single_; }
  const std::vector<int64_t>& values() const { return values_; }
  size_t size() const { return values_.size(); }
  int64_t operator[](size_t i) const { return values_[i]; }

 private:
  bool single_ = false;
  std::vector<int64_t> values_;
};

/// Which axes tensordot contracts: a number of trailing and leading ones, or a list for each operand.
class ContractedAxes {
 public:
  ContractedAxes() = default;
  template <std::integral T>
  ContractedAxes(T count) : count_(static_cast<int64_t>(count)) {}  // NOLINT: by design
  ContractedAxes(std::vector<int64_t> left, std::vector<int64_t> right)
      : listed_(true), left_(std::move(left)), right_(std::move(right)) {}

  /// Which of the two it is, and its value.
  bool listed() const { return listed_; }
  int64_t count() const { return count_; }
  const std::vector<int64_t>& left() const { return left_; }
  const std::vector<int64_t>& right() const { return right_; }

 private:
  bool listed_ = false;
  int64_t count_ = 2;
  std::vector<int64_t> left_, right_;
};

}  // namespace keras::ops

namespace keras {

/// null, an integer, or a list.
template <>
struct FieldCodec<ops::Axis> {
  static std::string kind() { return "int, list of int or null"; }
  static Json to_json(const ops::Axis& value);
  static ops::Axis from_json(const Json& json, std::string_view where);
};

/// null or a dtype's name.
template <>
struct FieldCodec<ops::DTypeArgument> {
  static std::string kind() { return "dtype or null"; }
  static Json to_json(const ops::DTypeArgument& value);
  static ops::DTypeArgument from_json(const Json& json, std::string_view where);
};

/// A list in which -1 is what remains.
template <>
struct FieldCodec<ops::NewShape> {
  static std::string kind() { return "list of int"; }
  static Json to_json(const ops::NewShape& value);
  static ops::NewShape from_json(const Json& json, std::string_view where);
};

/// An integer or a list.
template <>
struct FieldCodec<ops::Sections> {
  static std::string kind() { return "int or list of int"; }
  static Json to_json(const ops::Sections& value);
  static ops::Sections from_json(const Json& json, std::string_view where);
};

/// An integer or a list.
template <>
struct FieldCodec<ops::Integers> {
  static std::string kind() { return "int or list of int"; }
  static Json to_json(const ops::Integers& value);
  static ops::Integers from_json(const Json& json, std::string_view where);
};

/// An integer or two lists.
template <>
struct FieldCodec<ops::ContractedAxes> {
  static std::string kind() { return "int or two lists of int"; }
  static Json to_json(const ops::ContractedAxes& value);
  static ops::ContractedAxes from_json(const Json& json, std::string_view where);
};

/// A number for a C++ scalar, null for an undefined tensor, Keras' "__numpy__" envelope for all else.
template <>
struct FieldCodec<Tensor> {
  static std::string kind() { return "tensor"; }
  static Json to_json(const Tensor& value);
  static Tensor from_json(const Json& json, std::string_view where);
};

}  // namespace keras
