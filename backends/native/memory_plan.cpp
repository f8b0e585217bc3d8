// SPDX-License-Identifier: Apache-2.0
#include "memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace keras::native {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

size_t plan_memory(std::vector<PlannedBlock>& blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<const PlannedBlock*> placed;  // by offset
  placed.reserve(blocks.size());
  size_t total = 0;
  for (const size_t index : order) {
    PlannedBlock& block = blocks[index];
    const size_t wanted = aligned(block.bytes);
    size_t best = std::numeric_limits<size_t>::max();
    size_t narrowest = std::numeric_limits<size_t>::max();
    size_t end = 0;  // of the blocks seen so far that live at the same time
    for (const PlannedBlock* other : placed) {
      if (other->last < block.first || block.last < other->first) continue;
      if (other->offset >= end) {
        const size_t gap = other->offset - end;
        if (gap >= wanted && gap < narrowest) {
          narrowest = gap;
          best = end;
        }
      }
      end = std::max(end, other->offset + aligned(other->bytes));
    }
    block.offset = best != std::numeric_limits<size_t>::max() ? best : end;
    total = std::max(total, block.offset + wanted);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &block,
                         [](const PlannedBlock* a, const PlannedBlock* b) { return a->offset < b->offset; }),
        &block);
  }
  return total;
}

}  // namespace keras::native
