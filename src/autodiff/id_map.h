// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace keras::internal {

/// From identities of tensors to values. Identities are counted up from 1, so that they are their own hash:
/// those of one tape lie side by side, and finding one reads one place.
template <class Value>
class IdMap {
 public:
  /// The value of an identity, or null.
  const Value* find(uint64_t id) const {
    if (count_ == 0) return nullptr;
    for (size_t i = id & mask();; i = (i + 1) & mask()) {
      if (places_[i].id == id) return &places_[i].value;
      if (places_[i].id == 0) return nullptr;
    }
  }
  Value* find(uint64_t id) { return const_cast<Value*>(std::as_const(*this).find(id)); }
  bool contains(uint64_t id) const { return find(id) != nullptr; }

  /// The value of an identity, a fresh one where there was none; valid until the next call.
  Value& operator[](uint64_t id) {
    if (2 * (count_ + 1) > places_.size()) grow();
    Place& place = free_or_own(id);
    if (place.id == 0) {
      place.id = id;
      ++count_;
    }
    return place.value;
  }
  void insert(uint64_t id) { (*this)[id]; }

  bool empty() const { return count_ == 0; }
  void clear() {
    places_.clear();
    count_ = 0;
  }

 private:
  struct Place {
    uint64_t id = 0;  // 0: free
    [[no_unique_address]] Value value{};
  };

  size_t mask() const { return places_.size() - 1; }
  Place& free_or_own(uint64_t id) {
    size_t i = id & mask();
    while (places_[i].id != 0 && places_[i].id != id) i = (i + 1) & mask();
    return places_[i];
  }
  void grow() {
    std::vector<Place> old(places_.empty() ? 64 : 2 * places_.size());
    old.swap(places_);
    for (Place& place : old) {
      if (place.id != 0) free_or_own(place.id) = std::move(place);
    }
  }

  std::vector<Place> places_;
  size_t count_ = 0;
};

struct Nothing {};
/// A set of identities.
using IdSet = IdMap<Nothing>;

}  // namespace keras::internal
