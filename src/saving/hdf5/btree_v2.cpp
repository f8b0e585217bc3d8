// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/btree_v2.h"

#include <set>

#include "saving/hdf5/checksum.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

constexpr std::string_view kStructure = "B-tree (version 2)";
constexpr unsigned kMaxDepth = 32;
constexpr unsigned kNodeOverhead = 10;  // signature, version, type, checksum

class TreeReader {
 public:
  TreeReader(const FileImage& image, uint64_t address, BTreeV2Type type) : image_(image), type_(type) {
    Cursor cursor(image, kStructure, address, 22 + image.offset_size + image.length_size);
    cursor.signature("BTHD");
    cursor.version(0);
    check_type(cursor);
    node_size_ = cursor.u32();
    out_.record_size = cursor.u16();
    depth_ = cursor.u16();
    cursor.skip(2);  // split and merge percentages
    root_ = cursor.offset();
    root_records_ = cursor.u16();
    cursor.length();  // records in the whole tree
    verify_checksum(cursor);
    if (depth_ > kMaxDepth) cursor.reject("the tree's depth must be at most 32", std::to_string(depth_));
    if (out_.record_size == 0 || node_size_ < kNodeOverhead + out_.record_size) {
      cursor.reject("a node must hold at least one record", std::to_string(node_size_) + " bytes a node");
    }
    compute_pointer_sizes(cursor);
  }

  BTreeV2 read() {
    if (root_ != kUndefined && root_records_ != 0) visit(root_, root_records_, depth_);
    return std::move(out_);
  }

 private:
  void check_type(Cursor& cursor) {
    if (const uint8_t type = cursor.u8(); type != static_cast<uint8_t>(type_)) {
      cursor.reject("the records must be of type " + std::to_string(static_cast<int>(type_)),
                    std::to_string(type));
    }
  }

  // Child pointers hold record counts in as few bytes as the most that a subtree can have needs.
  void compute_pointer_sizes(const Cursor& cursor) {
    const uint64_t leaf_records = (node_size_ - kNodeOverhead) / out_.record_size;
    count_size_ = encoded_size(leaf_records);
    total_sizes_.push_back(0);
    uint64_t subtree = leaf_records;
    for (unsigned level = 1; level <= depth_; ++level) {
      const uint64_t pointer = image_.offset_size + count_size_ + total_sizes_.back();
      if (node_size_ < kNodeOverhead + pointer) cursor.reject("a node must hold at least one child");
      const uint64_t records = (node_size_ - kNodeOverhead - pointer) / (out_.record_size + pointer);
      if (__builtin_mul_overflow(subtree, records + 1, &subtree) ||
          __builtin_add_overflow(subtree, records, &subtree)) {
        cursor.reject("the number of records must fit in 64 bits");
      }
      total_sizes_.push_back(encoded_size(subtree));
    }
  }

  // Depth is at most kMaxDepth, and no node is visited twice.
  void visit(uint64_t address, uint64_t count, unsigned level) {
    Cursor cursor(image_, kStructure, address, node_size_);
    if (!seen_.insert(address).second) cursor.reject("nodes must not form a cycle");
    cursor.signature(level == 0 ? "BTLF" : "BTIN");
    cursor.version(0);
    check_type(cursor);
    std::vector<std::span<const std::byte>> records;
    for (uint64_t i = 0; i < count; ++i) records.push_back(cursor.bytes(out_.record_size));
    struct Child {
      uint64_t address;
      uint64_t count;
    };
    std::vector<Child> children;
    if (level > 0) {
      for (uint64_t i = 0; i <= count; ++i) {
        const uint64_t child = cursor.offset();
        children.push_back({child, cursor.number(count_size_)});
        cursor.number(total_sizes_[level - 1]);
      }
    }
    verify_checksum(cursor);
    if (level == 0) {
      out_.records.insert(out_.records.end(), records.begin(), records.end());
      return;
    }
    for (uint64_t i = 0; i <= count; ++i) {
      visit(children[i].address, children[i].count, level - 1);
      if (i < count) out_.records.push_back(records[i]);
    }
  }

  const FileImage& image_;
  BTreeV2Type type_;
  BTreeV2 out_{};
  uint64_t node_size_ = 0;
  unsigned depth_ = 0;
  uint64_t root_ = kUndefined;
  uint64_t root_records_ = 0;
  unsigned count_size_ = 0;
  std::vector<unsigned> total_sizes_;
  std::set<uint64_t> seen_;
};

}  // namespace

BTreeV2 read_btree_v2(const FileImage& image, uint64_t address, BTreeV2Type type) {
  return TreeReader(image, address, type).read();
}

}  // namespace keras::internal::hdf5
