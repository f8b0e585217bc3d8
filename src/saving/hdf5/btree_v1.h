// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {

/// What a version 1 B-tree's leaves point to.
enum class BTreeV1Type : uint8_t { kGroup = 0, kChunks = 1 };

/// Calls `leaf(key, child address)` for every child of the lowest level, in order. `key` stands at the key
/// before the child and has `key_size` bytes.
void walk_btree_v1(const FileImage& image, uint64_t address, BTreeV1Type type, uint64_t key_size,
                   const std::function<void(Cursor key, uint64_t child)>& leaf);

}  // namespace keras::internal::hdf5
