// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/fractal_heap.h"

#include <algorithm>
#include <bit>

#include "saving/hdf5/btree_v2.h"
#include "saving/hdf5/checksum.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

constexpr std::string_view kStructure = "fractal heap";

unsigned log2(uint64_t power) { return static_cast<unsigned>(std::countr_zero(power)); }

}  // namespace

FractalHeap::FractalHeap(const FileImage& image, uint64_t address) : image_(&image), address_(address) {
  const unsigned fixed = 4 + 1 + 2 + 2 + 1 + 4 + 2 + 2 + 2 + 2 + 4;
  Cursor cursor(image, kStructure, address, fixed + 12 * image.length_size + 3 * image.offset_size);
  cursor.signature("FRHP");
  cursor.version(0);
  cursor.u16();  // ID length: the callers' records have it
  if (cursor.u16() != 0) cursor.refuse("filtered fractal heaps are not read");
  cursor.skip(1);  // flags
  const uint64_t max_managed = cursor.u32();
  cursor.length();  // next huge ID
  huge_tree_ = cursor.offset();
  cursor.length();                              // free space
  cursor.offset();                              // its manager
  for (int i = 0; i < 8; ++i) cursor.length();  // statistics
  table_width_ = cursor.u16();
  starting_block_ = cursor.length();
  max_direct_block_ = cursor.length();
  const unsigned max_bits = cursor.u16();
  cursor.u16();  // rows at the start
  root_ = cursor.offset();
  root_rows_ = cursor.u16();
  verify_checksum(cursor);
  if (!std::has_single_bit(table_width_) || !std::has_single_bit(starting_block_) ||
      !std::has_single_bit(max_direct_block_) || starting_block_ > max_direct_block_ ||
      max_direct_block_ > uint64_t{1} << 32 || max_bits > 64) {
    cursor.reject("block sizes and the table's width must be powers of two in their limits");
  }
  offset_bytes_ = (max_bits + 7) / 8;
  length_bytes_ = std::min((log2(max_direct_block_) + 7) / 8, encoded_size(max_managed));
}

std::span<const std::byte> FractalHeap::object(std::span<const std::byte> id) {
  Cursor cursor(*image_, "fractal heap ID", id);
  const uint8_t first = cursor.u8();
  if (first >> 6 != 0) cursor.reject("the version of a heap ID must be 0", std::to_string(first >> 6));
  switch (first >> 4 & 3) {
    case 0: {
      const uint64_t offset = cursor.number(offset_bytes_);
      return managed(offset, cursor.number(length_bytes_));
    }
    case 1:
      return huge(
          cursor.number(static_cast<unsigned>(std::min<uint64_t>(cursor.remaining(), image_->length_size))));
    case 2:
      return cursor.bytes((first & 15) + 1);
    default:
      cursor.reject("the kind of a heap ID must be 0, 1 or 2", "3");
  }
}

// A huge object's ID leads through a B-tree of (address, length, ID) to the object.
std::span<const std::byte> FractalHeap::huge(uint64_t id) {
  if (!huge_read_) {
    for (const auto& record : read_btree_v2(*image_, huge_tree_, BTreeV2Type::kHugeObjects).records) {
      Cursor cursor(*image_, "huge object record", record);
      const uint64_t address = cursor.offset();
      const uint64_t length = cursor.length();
      huge_.emplace(cursor.length(), image_->view(address, length, "huge object"));
    }
    huge_read_ = true;
  }
  const auto found = huge_.find(id);
  if (found == huge_.end()) {
    image_->reject(kStructure, address_, "the heap must hold the huge object", std::to_string(id));
  }
  return found->second;
}

uint64_t FractalHeap::row_block_size(uint64_t row) const {
  const uint64_t shift = row == 0 ? 0 : row - 1;
  if (shift >= 64 - log2(starting_block_))
    image_->reject(kStructure, address_, "the heap must fit in 64 bits");
  return starting_block_ << shift;
}

uint64_t FractalHeap::indirect_entry(uint64_t address, uint64_t entries, uint64_t index) {
  const uint64_t prefix = 4 + 1 + image_->offset_size + offset_bytes_;
  Cursor cursor(*image_, "fractal heap indirect block", address, prefix + entries * image_->offset_size + 4);
  cursor.signature("FHIB");
  cursor.version(0);
  cursor.skip(image_->offset_size + offset_bytes_ + index * image_->offset_size);
  const uint64_t entry = cursor.offset();
  if (verified_.insert(address).second) {
    cursor.skip((entries - index - 1) * image_->offset_size);
    verify_checksum(cursor);
  }
  return entry;
}

// The doubling table: rows of `table_width_` blocks, whose size doubles from the second row on. Rows above
// the largest direct block hold indirect blocks with the same table inside.
std::span<const std::byte> FractalHeap::managed(uint64_t offset, uint64_t length) {
  const unsigned first_row_bits = log2(starting_block_) + log2(table_width_);
  uint64_t block = root_;
  uint64_t rows = root_rows_;
  uint64_t block_size = starting_block_;
  while (rows != 0) {
    uint64_t row = 0;
    uint64_t column = 0;
    uint64_t row_start = 0;
    if (offset >> first_row_bits == 0) {
      column = offset / starting_block_;
    } else {
      const unsigned high = static_cast<unsigned>(std::bit_width(offset)) - 1;
      row = high - first_row_bits + 1;
      row_start = uint64_t{1} << high;
      column = (offset - row_start) / row_block_size(row);
    }
    if (row >= rows) image_->reject(kStructure, address_, "offsets must lie inside the heap", hex(offset));
    block_size = row_block_size(row);
    block = indirect_entry(block, rows * table_width_, row * table_width_ + column);
    offset -= row_start + column * block_size;
    if (block_size <= max_direct_block_) break;
    if (log2(block_size) < first_row_bits) {
      image_->reject(kStructure, address_, "an indirect block must hold at least one row");
    }
    rows = log2(block_size) - first_row_bits + 1;  // sizes shrink from level to level, which ends the descent
  }
  const auto data = image_->view(block, block_size, "fractal heap direct block");
  Cursor cursor(*image_, "fractal heap direct block", data);
  cursor.signature("FHDB");
  if (offset > data.size() || length > data.size() - offset) {
    cursor.reject("objects must lie inside their block",
                  std::to_string(length) + " bytes at " + std::to_string(offset));
  }
  return data.subspan(offset, length);
}

}  // namespace keras::internal::hdf5
