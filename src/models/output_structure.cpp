// SPDX-License-Identifier: Apache-2.0
#include "models/output_structure.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

std::vector<Nest::Item> by_key(const Nest& nest) {
  std::vector<Nest::Item> items = nest.items();
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return items;
}

Nest pack(const Nest& structure, const std::vector<Nest>& leaves, size_t& next) {
  if (structure.is_list()) {
    std::vector<Nest> items;
    for (const Nest& item : structure.list()) items.push_back(pack(item, leaves, next));
    return Nest(std::move(items));
  }
  if (structure.is_dict()) {
    std::vector<Nest::Item> items;
    for (const auto& [key, item] : by_key(structure)) items.emplace_back(key, pack(item, leaves, next));
    return Nest::dict(std::move(items));
  }
  return leaves[next++];
}

}  // namespace

std::vector<Nest> ordered_children(const Nest& nest) {
  if (nest.is_list()) return nest.list();
  std::vector<Nest> out;
  for (auto& [key, item] : by_key(nest)) out.push_back(std::move(item));
  return out;
}

std::vector<Nest> flatten_with_none(const Nest& nest) {
  if (!is_nested(nest)) return {nest};
  std::vector<Nest> out;
  for (const Nest& child : ordered_children(nest)) {
    for (auto& leaf : flatten_with_none(child)) out.push_back(std::move(leaf));
  }
  return out;
}

bool same_containers(const Nest& a, const Nest& b) {
  if (is_nested(a) != is_nested(b)) return false;
  if (!is_nested(a)) return true;
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  if (a.is_dict()) {
    const auto x = by_key(a), y = by_key(b);
    for (size_t i = 0; i < x.size(); ++i) {
      if (x[i].first != y[i].first || !same_containers(x[i].second, y[i].second)) return false;
    }
    return true;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_containers(a[i], b[i])) return false;
  }
  return true;
}

Nest pack_with_none(const Nest& structure, const std::vector<Nest>& leaves) {
  size_t next = 0;
  return pack(structure, leaves, next);
}

std::string describe_structure(const Nest& nest) {
  if (nest.is_none()) return "None";
  if (nest.is_leaf()) return "*";
  std::string out;
  if (nest.is_list()) {
    for (const Nest& item : nest.list()) out += (out.empty() ? "" : ", ") + describe_structure(item);
    return "[" + out + "]";
  }
  for (const auto& [key, item] : nest.items()) {
    out += (out.empty() ? "'" : ", '") + key + "': " + describe_structure(item);
  }
  return "{" + out + "}";
}

bool has_exactly_keys(const Nest& nest, const std::vector<std::string>& keys) {
  if (!nest.is_dict() || nest.size() != keys.size()) return false;
  return std::all_of(keys.begin(), keys.end(), [&](const auto& key) { return nest.contains(key); });
}

Nest in_order_of(const Nest& dict, const std::vector<std::string>& names) {
  std::vector<Nest> out;
  for (const auto& name : names) out.push_back(dict[name]);
  return Nest(std::move(out));
}

LabelKind label_kind(const Tensor& y_true, const Tensor& y_pred) {
  if (y_pred.rank() == 0) return {true, false};
  const bool wide = !(y_pred.dim(-1) == Dim(1));
  const bool lower = y_true.rank() < y_pred.rank();
  const bool single_column = y_true.rank() > 0 && y_true.dim(-1) == Dim(1);
  return {!wide, lower || (single_column && wide)};
}

std::string output_names_hint(const std::vector<std::string>& given,
                              const std::vector<std::string>& outputs) {
  std::string out;
  for (const auto& name : given) {
    if (std::find(outputs.begin(), outputs.end(), name) != outputs.end()) continue;
    const std::string near = nearest_name(name, outputs);
    if (!near.empty()) out += fmt::format("did you mean '{}'? ", near);
  }
  return out + fmt::format("outputs: {}", fmt::join(outputs, ", "));
}

}  // namespace keras::internal
