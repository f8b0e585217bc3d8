// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "keras/schema/field_codec.h"
#include "keras/schema/int_tuple.h"

namespace keras {

/// What is added or cut at the two ends of an axis, in elements.
struct Edge {
  int64_t before = 0;  ///< at the low end
  int64_t after = 0;   ///< at the high end
  friend bool operator==(const Edge&, const Edge&) = default;
};

/// The `padding` and `cropping` arguments of spatial layers: `1` at every edge, `{1, 2}` on both ends of the
/// first and of the second axis, `{{1, 0}, {0, 2}}` with the two ends apart.
class EdgeSizes {
 public:
  /// One axis: a number for both ends, or {before, after}.
  struct Item {
    template <std::integral T>
    Item(T both) : edge{static_cast<int64_t>(both), static_cast<int64_t>(both)} {}  // NOLINT: by design
    Item(int64_t before, int64_t after) : edge{before, after} {}
    Edge edge;  ///< the two ends
  };
  template <std::integral T>
  EdgeSizes(T size) : uniform_(true), edges_{Edge{size, size}} {}  // NOLINT: by design
  EdgeSizes(std::initializer_list<Item> axes) {                    // NOLINT: by design
    for (const Item& item : axes) edges_.push_back(item.edge);
  }
  /// One number for all axes counts as a list of one.
  explicit EdgeSizes(std::vector<Edge> edges) : uniform_(edges.size() == 1), edges_(std::move(edges)) {}

  /// The ends of `count` axes. Throws ValueError, naming `where` and the argument, when the number of axes
  /// differs or a size is negative.
  std::vector<Edge> expanded(size_t count, std::string_view where, std::string_view argument) const;

 private:
  bool uniform_ = false;
  std::vector<Edge> edges_;
};

/// A list of [before, after] pairs; an integer stands for two equal ends.
template <>
struct FieldCodec<Edge> {
  static std::string kind() { return "int or pair of int"; }
  static Json to_json(const Edge& value);
  static Edge from_json(const Json& json, std::string_view where);
};

/// A list with one item per axis; an integer stands for all ends of all axes (a list of one).
template <>
struct FieldCodec<std::vector<Edge>> {
  static std::string kind() { return "int, or tuple of int or pairs of int"; }
  static Json to_json(const std::vector<Edge>& value);
  static std::vector<Edge> from_json(const Json& json, std::string_view where);
};

}  // namespace keras
