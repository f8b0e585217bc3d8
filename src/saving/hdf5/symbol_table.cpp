// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/symbol_table.h"

#include <algorithm>

#include "saving/hdf5/message_encoding.h"

namespace keras::internal::hdf5 {
namespace {

constexpr size_t kSymbolsPerNode = 2 * kSymbolNodeHalf;
constexpr size_t kChildrenPerNode = 2 * kTreeNodeHalf;
constexpr size_t kSymbolNodeSize = 8 + 40 * kSymbolsPerNode;
constexpr size_t kTreeNodeSize = 24 + 8 * kChildrenPerNode + 8 * (kChildrenPerNode + 1);

/// A node to be pointed to, with the heap offset of the last name below it.
struct Child {
  uint64_t address;
  uint64_t last_name;
};

/// Writes one level of nodes over `children`, all of one size and side by side.
std::vector<Child> encode_tree_level(const std::vector<Child>& children, unsigned level, uint64_t address,
                                     ByteBuilder& out) {
  const size_t nodes = std::max<size_t>(1, (children.size() + kChildrenPerNode - 1) / kChildrenPerNode);
  const uint64_t start = address + out.size();
  std::vector<Child> result;
  uint64_t key = 0;  // the empty name stands at offset 0
  for (size_t n = 0; n < nodes; ++n) {
    const size_t end = out.size() + kTreeNodeSize;
    const size_t first = n * kChildrenPerNode;
    const size_t count = std::min(kChildrenPerNode, children.size() - first);
    out.bytes(std::as_bytes(std::span("TREE", 4))).zeros(1).number(level, 1).number(count, 2);
    out.number(n == 0 ? kUndefined : start + (n - 1) * kTreeNodeSize, 8);
    out.number(n + 1 == nodes ? kUndefined : start + (n + 1) * kTreeNodeSize, 8);
    out.number(key, 8);
    for (size_t i = first; i < first + count; ++i) {
      key = children[i].last_name;
      out.number(children[i].address, 8).number(key, 8);
    }
    out.zeros(end - out.size());
    result.push_back({start + n * kTreeNodeSize, key});
  }
  return result;
}

}  // namespace

SymbolTable encode_symbol_table(const std::vector<Symbol>& symbols, uint64_t address) {
  ByteBuilder names;
  names.zeros(8);
  std::vector<uint64_t> offsets;
  for (const Symbol& symbol : symbols) {
    offsets.push_back(names.size());
    names.text(symbol.name).align(8);
  }
  constexpr uint64_t kNoFreeBlock = 1;
  constexpr uint64_t kHeapHeader = 32;
  const auto name_bytes = names.take();
  ByteBuilder out;
  out.bytes(std::as_bytes(std::span("HEAP", 4))).zeros(4);
  out.number(name_bytes.size(), 8).number(kNoFreeBlock, 8).number(address + kHeapHeader, 8).bytes(name_bytes);

  std::vector<Child> level;
  for (size_t first = 0; first < symbols.size(); first += kSymbolsPerNode) {
    const size_t count = std::min(kSymbolsPerNode, symbols.size() - first);
    const size_t end = out.size() + kSymbolNodeSize;
    level.push_back({address + out.size(), offsets[first + count - 1]});
    out.bytes(std::as_bytes(std::span("SNOD", 4))).number(1, 1).zeros(1).number(count, 2);
    for (size_t i = first; i < first + count; ++i) {
      const Symbol& symbol = symbols[i];
      out.number(offsets[i], 8).number(symbol.header, 8).number(symbol.is_group ? 1 : 0, 4).zeros(4);
      out.number(symbol.tree, 8).number(symbol.heap, 8);
    }
    out.zeros(end - out.size());
  }
  for (unsigned depth = 0; depth == 0 || level.size() > 1; ++depth) {
    level = encode_tree_level(level, depth, address, out);
  }
  return {out.take(), level.front().address, address};
}

}  // namespace keras::internal::hdf5
