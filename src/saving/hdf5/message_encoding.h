// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/attribute.h"
#include "saving/hdf5/object_header.h"

namespace keras::internal::hdf5 {

/// Where a variable-length string was put.
struct HeapReference {
  uint32_t length;
  uint64_t collection;
  uint32_t index;
};

/// A header message before it gets its place.
struct NewMessage {
  MessageType type;
  uint8_t flags;  ///< 1: never changes
  std::vector<std::byte> body;
};

std::vector<std::byte> encode_dataspace(const Dataspace& space);

/// An attribute message; `references` are those of its variable-length strings, in order.
/// ValueError if it is longer than the format allows.
std::vector<std::byte> encode_attribute(const Attribute& attribute,
                                        const std::vector<HeapReference>& references);

/// Messages of a contiguous dataset.
std::vector<NewMessage> encode_dataset(const Datatype& type, const Dataspace& space, uint64_t address,
                                       uint64_t size);

/// An object header of version 1 with all its messages in one block.
std::vector<std::byte> encode_object_header(const std::vector<NewMessage>& messages);

/// Superblock 0. `root_tree` and `root_heap` are those of the root group's names.
std::vector<std::byte> encode_superblock(uint64_t root, uint64_t root_tree, uint64_t root_heap, uint64_t end);

/// Bytes of superblock 0.
constexpr uint64_t kSuperblockSize = 96;

/// Names in a node of symbols and children in a node of a group's tree are twice these.
constexpr unsigned kSymbolNodeHalf = 4;
constexpr unsigned kTreeNodeHalf = 16;

}  // namespace keras::internal::hdf5
