// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "keras/base/small_vector.h"

namespace keras {

/// One dimension of a shape: a number, or a symbol whose value is known only when data arrive.
///
/// Symbols are real objects: `Dim::symbol("batch") * 2 == 2 * Dim::symbol("batch")`, and sums,
/// products and quotients of them are simplified and compare equal when they are the same
/// expression. A Dim is 8 bytes; expressions are interned for the life of the process.
class Dim {
 public:
  constexpr Dim() = default;
  /// A number. Throws ValueError when it is negative.
  constexpr Dim(int64_t value) : code_(value >= 0 ? value : reject_negative(value)) {}  // NOLINT: by design

  /// Python's None: `Input({std::nullopt, 3})`; see unknown().
  Dim(std::nullopt_t) : Dim(unknown()) {}  // NOLINT: by design
  /// A symbol that equals only itself, printed as None (Keras' None dimension).
  static Dim unknown();
  /// A named symbol; equal names are equal symbols.
  static Dim symbol(std::string_view name);

  /// True for a number.
  constexpr bool known() const { return code_ >= 0; }
  /// The number. Throws ValueError for a symbol.
  int64_t value() const;
  /// The number, or `otherwise` for a symbol.
  constexpr int64_t value_or(int64_t otherwise) const { return known() ? code_ : otherwise; }
  /// The interned form: a number as itself, a symbolic expression as a negative code. Op attributes
  /// hold dimensions in this form.
  constexpr int64_t code() const { return code_; }
  /// The dimension that `code()` stands for.
  static constexpr Dim from_code(int64_t code) {
    Dim d;
    d.code_ = code;
    return d;
  }

  friend constexpr bool operator==(Dim a, Dim b) { return a.code_ == b.code_; }
  /// Sum. Throws ValueError when numbers overflow.
  friend Dim operator+(Dim a, Dim b) {
    int64_t sum = 0;
    if (a.known() && b.known() && !__builtin_add_overflow(a.code_, b.code_, &sum)) return sum;
    return add_slowly(a, b);
  }
  /// Difference. Throws ValueError when it is a negative number.
  friend Dim operator-(Dim a, Dim b) {
    if (b.known() && a.code_ >= b.code_) return a.code_ - b.code_;
    return subtract_slowly(a, b);
  }
  /// Product. Throws ValueError when numbers overflow.
  friend Dim operator*(Dim a, Dim b) {
    int64_t product = 0;
    if (a.known() && b.known() && !__builtin_mul_overflow(a.code_, b.code_, &product)) return product;
    return multiply_slowly(a, b);
  }
  /// Quotient rounded down. Throws ValueError for a division by 0.
  friend Dim operator/(Dim a, Dim b) {
    if (a.known() && b.code_ > 0) return a.code_ / b.code_;
    return divide_slowly(a, b);
  }

  /// "32", "None" for an unknown, the expression otherwise ("2*batch+1").
  std::string to_string() const;

 private:
  [[noreturn]] static int64_t reject_negative(int64_t value);
  static Dim add_slowly(Dim a, Dim b);
  static Dim subtract_slowly(Dim a, Dim b);
  static Dim multiply_slowly(Dim a, Dim b);
  static Dim divide_slowly(Dim a, Dim b);

  int64_t code_ = 0;
};

/// Values for symbols; evaluates the symbolic dimensions of a traced program.
class DimBindings {
 public:
  /// Notes that `symbolic` has the value `value` here. Returns false on a contradiction.
  bool bind(Dim symbolic, int64_t value);
  /// The number that `d` has under these bindings, or nothing while a symbol in it is unbound.
  std::optional<int64_t> evaluate(Dim d) const;

 private:
  SmallVector<std::pair<int64_t, int64_t>, 8> values_;
};

/// The dimensions of a tensor, outermost first. A Shape is a plain value.
class Shape {
 public:
  /// Rank 0, a list, a range, or `rank` times the same dimension.
  ///@{
  Shape() = default;
  Shape(std::initializer_list<Dim> dims) : dims_(dims) {}
  template <class It>
  requires(!std::is_integral_v<It>) Shape(It first, It last) : dims_(first, last) {}
  template <class T>
  requires(std::is_integral_v<T>) explicit Shape(T rank, Dim fill = Dim(0))  // a template: never from braces
      : dims_(static_cast<size_t>(rank), fill) {}
  ///@}

  /// Number of dimensions.
  ///@{
  int rank() const { return static_cast<int>(dims_.size()); }
  size_t size() const { return dims_.size(); }
  bool empty() const { return dims_.empty(); }
  ///@}
  /// Dimension `axis`; negative axes count from the end. Throws ValueError when out of range.
  Dim dim(int axis) const;
  /// As in std::vector, unchecked.
  ///@{
  Dim& operator[](size_t i) { return dims_[i]; }
  const Dim& operator[](size_t i) const { return dims_[i]; }
  Dim back() const { return dims_.back(); }
  Dim front() const { return dims_.front(); }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  auto begin() { return dims_.begin(); }
  auto end() { return dims_.end(); }
  void push_back(Dim d) { dims_.push_back(d); }
  void insert(size_t position, Dim d) { dims_.insert(dims_.begin() + position, d); }
  void erase(size_t position) { dims_.erase(dims_.begin() + position); }
  ///@}
  /// Dimensions [first, last), or from first on.
  ///@{
  Shape sub(size_t first, size_t last) const { return Shape(dims_.begin() + first, dims_.begin() + last); }
  Shape sub(size_t first) const { return sub(first, size()); }
  ///@}

  /// True when no dimension is symbolic.
  bool known() const;
  /// Number of elements. Throws ValueError when a dimension is symbolic or the product overflows.
  int64_t elements() const;

  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }
  /// Both lists of dimensions, one behind the other.
  friend Shape operator+(Shape a, const Shape& b) {
    for (Dim d : b) a.push_back(d);
    return a;
  }

  /// "(None, 28, 28)", "(3,)", "()": as Python prints a tuple.
  std::string to_string() const;

 private:
  SmallVector<Dim, 6> dims_;
};

/// The number of elements of `shape` as a symbolic product.
Dim element_count(const Shape& shape);

/// The shape of NumPy broadcasting. Throws ValueError naming `where` when the shapes do not agree.
/// An unknown dimension against 1 stays unknown; against a known d > 1 it is taken to be d.
Shape broadcast_shapes(std::string_view where, const Shape& a, const Shape& b);

/// `axis` in [0, rank). Throws ValueError naming `where` when it is out of range.
int normalize_axis(std::string_view where, int64_t axis, int rank);

/// A list of axis numbers as users give them (negative ones count from the end).
using Axes = SmallVector<int, 4>;

}  // namespace keras
