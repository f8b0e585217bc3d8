// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/tensor/nest.h"

namespace keras {

/// What a log holds: one number, or what a metric with several numbers gives (a tensor, or a nest of them).
/// A number that came as a tensor is read when it is first asked for, so logs that nobody reads cost nothing.
class LogValue {
 public:
  LogValue() = default;  ///< zero
  template <class T>
  requires std::is_arithmetic_v<T> LogValue(T value)  // NOLINT: numbers are logs
      : number_(static_cast<double>(value)) {}
  LogValue(Tensor value) : nest_(std::move(value)) {}  // NOLINT: so are tensors
  LogValue(Nest value) : nest_(std::move(value)) {}    // NOLINT: and nests

  /// True for one number (a tensor with a single element counts).
  bool is_number() const;
  /// The number. Throws TypeError when there are several.
  operator double() const;  // NOLINT: logs are numbers first
  /// The mean of all numbers, which is what the progress bar shows.
  double mean() const;
  /// The value as a tensor: a number as a float64 scalar. Throws ValueError for a nest of several tensors.
  Tensor tensor() const;
  /// The value as a nest.
  Nest nest() const;
  /// "0.25", "[0.5 0.25]": as NumPy prints it.
  std::string to_string() const;

 private:
  double number_ = 0;
  Nest nest_;
};

/// Names and values of losses and metrics, in the order that they are shown. A callback may add to the logs
/// that it gets; the callbacks after it see that.
class Logs {
 public:
  /// A value and its name.
  using Item = std::pair<std::string, LogValue>;
  Logs() = default;
  Logs(std::initializer_list<Item> items) : items_(items) {}

  /// Whether there is a value of this name.
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// The value of a name; null when there is none.
  const LogValue* find(std::string_view name) const;
  /// The number of a name. Throws ValueError with the names when there is none, TypeError when it has several
  /// numbers (`find` gives those).
  double operator[](std::string_view name) const;
  /// Adds a value, or replaces the one of that name.
  void set(std::string_view name, LogValue value);
  /// `set` for every value of other logs.
  void merge(const Logs& other);
  /// Sorted by name, as Keras hands logs to callbacks.
  Logs sorted() const;
  /// "a, b, c", for messages.
  std::string names() const;
  /// Whether there are values, how many, and all of them.
  ///@{
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  ///@}

 private:
  std::vector<Item> items_;
};

}  // namespace keras
