// SPDX-License-Identifier: Apache-2.0
// Patterns of axes in the notation of einops (Rogozhnikov, 2022).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"
#include "keras/ops/manipulation.h"
#include "ops/primitives.h"
#include "ops/promotion.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::fail;

namespace {

using Group = std::vector<std::string>;

// "b (h w) c" as groups of names; a name outside of parentheses is a group of one, "1" an empty group.
std::vector<Group> parse_side(const std::string& side, const std::string& pattern) {
  std::vector<Group> out;
  bool inside = false;
  std::string name;
  const auto flush = [&] {
    if (name.empty()) return;
    if (!inside) out.emplace_back();
    if (name != "1") out.back().push_back(name);
    name.clear();
  };
  for (const char c : side) {
    if (c == '(' || c == ')') {
      flush();
      if (inside == (c == '('))
        fail<ValueError>({"rearrange", "Parentheses must match and not nest", pattern, ""});
      inside = c == '(';
      if (inside) out.emplace_back();
    } else if (c == ' ') {
      flush();
    } else {
      name += c;
    }
  }
  flush();
  if (inside) fail<ValueError>({"rearrange", "Parentheses must match and not nest", pattern, ""});
  return out;
}

}  // namespace

Tensor rearrange(const Tensor& tensor, const std::string& pattern,
                 const std::vector<std::pair<std::string, int64_t>>& axes_lengths) {
  const size_t arrow = pattern.find("->");
  if (arrow == std::string::npos)
    fail<ValueError>({"rearrange", "The pattern must have an arrow '->'", pattern, ""});
  std::vector<Group> left = parse_side(pattern.substr(0, arrow), pattern);
  std::vector<Group> right = parse_side(pattern.substr(arrow + 2), pattern);
  // An ellipsis stands for the axes that nothing names.
  const auto expand = [&](std::vector<Group>& groups, size_t count) {
    for (size_t i = 0; i < groups.size(); ++i) {
      const auto it = std::find(groups[i].begin(), groups[i].end(), "...");
      if (it == groups[i].end()) continue;
      const bool alone = groups[i].size() == 1;
      Group names;
      for (size_t k = 0; k < count; ++k) names.push_back(fmt::format("...{}", k));
      if (alone && !names.empty()) {
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(i));
        for (size_t k = names.size(); k-- > 0;)
          groups.insert(groups.begin() + static_cast<std::ptrdiff_t>(i), Group{names[k]});
      } else {
        const auto at = groups[i].erase(it);
        groups[i].insert(at, names.begin(), names.end());
        if (groups[i].empty()) groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(i));
      }
      return;
    }
  };
  const bool dots = pattern.substr(0, arrow).find("...") != std::string::npos;
  const size_t rank = static_cast<size_t>(tensor.rank());
  const size_t named = left.size() - (dots ? 1 : 0);
  if (dots ? named > rank : named != rank) {
    fail<ValueError>({"rearrange", "The pattern's left side must name every axis",
                      "'" + pattern + "' for shape " + tensor.shape().to_string(), ""});
  }
  expand(left, rank - named);
  expand(right, rank - named);

  std::map<std::string, Dim> sizes;
  for (const auto& [name, length] : axes_lengths) sizes[name] = Dim(length);
  Shape split;
  std::vector<std::string> order;
  for (size_t i = 0; i < left.size(); ++i) {
    Dim product = 1;
    std::string open;
    for (const auto& name : left[i]) {
      if (std::find(order.begin(), order.end(), name) != order.end()) {
        fail<ValueError>(
            {"rearrange", "Each axis may stand once on a side", "'" + name + "' in '" + pattern + "'", ""});
      }
      order.push_back(name);
      if (sizes.contains(name)) {
        product = product * sizes[name];
      } else if (open.empty()) {
        open = name;
      } else {
        fail<ValueError>({"rearrange", "Only one length in a group may be left open",
                          "'" + open + "' and '" + name + "'", "give one in axes_lengths"});
      }
    }
    const Dim extent = tensor.shape()[i];
    if (!open.empty()) sizes[open] = product == Dim(1) ? extent : extent / product;
    Dim total = 1;
    for (const auto& name : left[i]) total = total * sizes[name];
    if (total.known() && extent.known() && !(total == extent)) {
      fail<ValueError>({"rearrange", "The lengths of a group must multiply to its axis",
                        fmt::format("axis {} of {} in '{}'", i, tensor.shape().to_string(), pattern), ""});
    }
    for (const auto& name : left[i]) split.push_back(sizes[name]);
  }
  Axes permutation;
  Shape merged;
  for (const Group& group : right) {
    Dim product = 1;
    for (const auto& name : group) {
      const auto it = std::find(order.begin(), order.end(), name);
      if (it == order.end()) {
        fail<ValueError>(
            {"rearrange", "Both sides must have the same axes", "'" + name + "' in '" + pattern + "'", ""});
      }
      permutation.push_back(static_cast<int>(it - order.begin()));
      product = product * sizes[name];
    }
    merged.push_back(product);
  }
  if (permutation.size() != order.size()) {
    fail<ValueError>({"rearrange", "Both sides must have the same axes", "'" + pattern + "'", ""});
  }
  // reshape and transpose record the nodes of a KerasTensor, as in Keras.
  const Tensor parts = reshape(tensor, NewShape(split));
  return reshape(transpose(parts, Axis(permutation)), NewShape(merged));
}

}  // namespace keras::ops
