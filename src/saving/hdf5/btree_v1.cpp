// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/btree_v1.h"

#include <set>

namespace keras::internal::hdf5 {
namespace {

constexpr std::string_view kStructure = "B-tree (version 1)";
constexpr unsigned kMaxLevel = 32;

class TreeWalker {
 public:
  TreeWalker(const FileImage& image, BTreeV1Type type, uint64_t key_size,
             const std::function<void(Cursor, uint64_t)>& leaf)
      : image_(image), type_(type), key_size_(key_size), leaf_(leaf) {}

  // Levels count down by one from at most kMaxLevel, and no node is visited twice.
  void visit(uint64_t address, unsigned expected_level, bool is_root) {
    const uint64_t prefix_size = 8 + 2 * image_.offset_size;
    Cursor prefix(image_, kStructure, address, prefix_size);
    if (!seen_.insert(address).second) prefix.reject("nodes must not form a cycle");
    prefix.signature("TREE");
    if (const uint8_t type = prefix.u8(); type != static_cast<uint8_t>(type_)) {
      prefix.reject("the node must be of type " + std::to_string(static_cast<int>(type_)),
                    std::to_string(type));
    }
    const unsigned level = prefix.u8();
    if (level > kMaxLevel || (!is_root && level != expected_level)) {
      prefix.reject("levels must count down to 0", "level " + std::to_string(level));
    }
    const uint64_t entries = prefix.u16();
    Cursor cursor(image_, kStructure, address + prefix_size,
                  entries * (key_size_ + image_.offset_size) + (entries == 0 ? 0 : key_size_));
    for (uint64_t i = 0; i < entries; ++i) {
      const Cursor key(image_, "B-tree key", cursor.bytes(key_size_));
      const uint64_t child = cursor.offset();
      if (level == 0) {
        leaf_(key, child);
      } else {
        visit(child, level - 1, false);
      }
    }
  }

 private:
  const FileImage& image_;
  BTreeV1Type type_;
  uint64_t key_size_;
  const std::function<void(Cursor, uint64_t)>& leaf_;
  std::set<uint64_t> seen_;
};

}  // namespace

void walk_btree_v1(const FileImage& image, uint64_t address, BTreeV1Type type, uint64_t key_size,
                   const std::function<void(Cursor, uint64_t)>& leaf) {
  TreeWalker(image, type, key_size, leaf).visit(address, 0, true);
}

}  // namespace keras::internal::hdf5
