// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace keras::native {

// Sorts by the digits of 8 bits in [low, high) of word(item), the least significant first (Knuth, The Art of
// Computer Programming, volume 3, 5.2.5). Each pass is stable, and so the whole is; a pass whose items share
// one digit is left out. Few items are sorted by comparison: `items` must be in the order that breaks ties,
// and operator< must agree.
template <class Item, class Word>
void radix_sort(std::vector<Item>& items, std::vector<Item>& spare, int low, int high, const Word& word) {
  constexpr size_t kFew = 256;
  constexpr int kDigits = 8;
  if (items.size() < kFew) {
    std::sort(items.begin(), items.end());
    return;
  }
  std::array<std::array<size_t, 256>, kDigits> counts{};
  const auto digit = [&word](const Item& item, int bit) { return word(item) >> bit & 0xff; };
  for (const Item& item : items) {
    for (int bit = low; bit < high; bit += 8) ++counts[static_cast<size_t>(bit / 8)][digit(item, bit)];
  }
  spare.resize(items.size());
  for (int bit = low; bit < high; bit += 8) {
    auto& starts = counts[static_cast<size_t>(bit / 8)];
    if (starts[digit(items[0], bit)] == items.size()) continue;
    size_t start = 0;
    for (size_t& count : starts) {
      const size_t next = start + count;
      count = start;
      start = next;
    }
    for (const Item& item : items) spare[starts[digit(item, bit)]++] = item;
    items.swap(spare);
  }
}

}  // namespace keras::native
