// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/nest.h"

#include <algorithm>
#include <set>

#include "keras/base/error.h"

namespace keras {
namespace {

using internal::fail;

const char* kind_name(Nest::Kind kind) {
  switch (kind) {
    case Nest::Kind::none:
      return "none";
    case Nest::Kind::leaf:
      return "a tensor";
    case Nest::Kind::list:
      return "a list";
    case Nest::Kind::dict:
      return "a dictionary";
  }
  return "";
}

// The items of a dictionary by sorted key.
std::vector<const Nest::Item*> sorted(const std::vector<Nest::Item>& items) {
  std::vector<const Nest::Item*> order;
  for (const auto& item : items) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  return order;
}

void append_leaves(const Nest& nest, std::vector<Tensor>& leaves) {
  if (nest.is_leaf()) leaves.push_back(nest.tensor());
  for (const auto& item : nest.list()) append_leaves(item, leaves);
  for (const auto* item : sorted(nest.items())) append_leaves(item->second, leaves);
}

// The structure of `nest` with its leaves replaced, visited in flatten()'s order.
Nest rebuild(const Nest& nest, const std::function<Tensor(const Tensor&)>& next) {
  switch (nest.kind()) {
    case Nest::Kind::none:
      return {};
    case Nest::Kind::leaf:
      return next(nest.tensor());
    case Nest::Kind::list: {
      std::vector<Nest> items;
      for (const auto& item : nest.list()) items.push_back(rebuild(item, next));
      return items;
    }
    case Nest::Kind::dict:
      break;
  }
  std::vector<Nest::Item> items = nest.items();
  for (const auto* item : sorted(nest.items())) {
    items[static_cast<size_t>(item - nest.items().data())].second = rebuild(item->second, next);
  }
  return Nest::dict(std::move(items));
}

}  // namespace

Nest::Nest() = default;
Nest::Nest(const Nest& other) = default;
Nest::Nest(Nest&& other) noexcept = default;
Nest& Nest::operator=(const Nest& other) = default;
Nest& Nest::operator=(Nest&& other) noexcept = default;
Nest::~Nest() = default;

Nest::Nest(const std::vector<Tensor>& tensors) : kind_(Kind::list), list_(tensors.begin(), tensors.end()) {}

Nest Nest::dict(std::vector<Item> items) {
  std::set<std::string> keys;
  for (const auto& item : items) {
    if (!keys.insert(item.first).second) {
      fail<ValueError>({"Nest::dict", "The keys must differ", "'" + item.first + "' twice", ""});
    }
  }
  Nest nest;
  nest.kind_ = Kind::dict;
  nest.items_ = std::move(items);
  return nest;
}

const Tensor& Nest::tensor() const {
  if (kind_ != Kind::leaf) {
    fail<ValueError>({"Nest", "A single tensor is needed here", kind_name(kind_), ""});
  }
  return leaf_;
}

const Nest& Nest::operator[](size_t i) const {
  if (kind_ != Kind::list || i >= list_.size()) {
    fail<ValueError>({"Nest", "The position must lie within a list",
                      "position " + std::to_string(i) + " of " + kind_name(kind_) + " of " +
                          std::to_string(size()) + " items",
                      ""});
  }
  return list_[i];
}

const Nest& Nest::operator[](std::string_view key) const {
  std::vector<std::string> keys;
  for (const auto& item : items_) {
    if (item.first == key) return item.second;
    keys.push_back(item.first);
  }
  if (kind_ != Kind::dict) {
    fail<ValueError>(
        {"Nest", "A dictionary is needed here", kind_name(kind_), "key '" + std::string(key) + "'"});
  }
  internal::fail_unknown_name("Nest", "key", key, keys);
}

bool Nest::contains(std::string_view key) const {
  return std::any_of(items_.begin(), items_.end(), [key](const Item& item) { return item.first == key; });
}

std::vector<Tensor> Nest::flatten() const {
  std::vector<Tensor> leaves;
  append_leaves(*this, leaves);
  return leaves;
}

Nest Nest::pack(const std::vector<Tensor>& leaves) const {
  const size_t wanted = flatten().size();
  if (wanted != leaves.size()) {
    fail<ValueError>({"Nest::pack", "There must be one tensor for each leaf",
                      std::to_string(leaves.size()) + " tensors for " + std::to_string(wanted) + " leaves",
                      ""});
  }
  size_t position = 0;
  return rebuild(*this, [&](const Tensor&) { return leaves[position++]; });
}

Nest Nest::map(const std::function<Tensor(const Tensor&)>& f) const { return rebuild(*this, f); }

bool Nest::same_structure(const Nest& other) const {
  if (kind_ != other.kind_ || size() != other.size()) return false;
  for (size_t i = 0; i < list_.size(); ++i) {
    if (!list_[i].same_structure(other.list_[i])) return false;
  }
  const auto mine = sorted(items_);
  const auto theirs = sorted(other.items_);
  for (size_t i = 0; i < mine.size(); ++i) {
    if (mine[i]->first != theirs[i]->first || !mine[i]->second.same_structure(theirs[i]->second))
      return false;
  }
  return true;
}

}  // namespace keras
