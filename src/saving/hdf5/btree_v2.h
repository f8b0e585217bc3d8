// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// What a version 2 B-tree's records are.
enum class BTreeV2Type : uint8_t {
  kHugeObjects = 1,
  kLinkNames = 5,
  kAttributeNames = 8,
  kChunks = 10,
  kFilteredChunks = 11,
};

struct BTreeV2 {
  uint64_t record_size;
  std::vector<std::span<const std::byte>> records;  ///< in the tree's order
};

/// All records of a version 2 B-tree, which must hold records of the given type.
BTreeV2 read_btree_v2(const FileImage& image, uint64_t address, BTreeV2Type type);

}  // namespace keras::internal::hdf5
