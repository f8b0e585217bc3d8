// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saving/hdf5/byte_builder.h"

namespace keras::internal::hdf5 {

/// One name of an old-style group and the object it leads to.
struct Symbol {
  std::string name;
  uint64_t header;
  bool is_group = false;
  uint64_t tree = 0;  ///< of a group: cached beside the name
  uint64_t heap = 0;
};

/// The names of an old-style group: local heap, symbol nodes and their B-tree.
struct SymbolTable {
  std::vector<std::byte> bytes;
  uint64_t tree;  ///< addresses
  uint64_t heap;
};

/// Builds the table of `symbols`, sorted by name, to stand at `address` (a multiple of 8).
SymbolTable encode_symbol_table(const std::vector<Symbol>& symbols, uint64_t address);

}  // namespace keras::internal::hdf5
