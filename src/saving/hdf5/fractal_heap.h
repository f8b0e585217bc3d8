// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// The heap in which newer files keep the links and attributes of objects with many of them.
class FractalHeap {
 public:
  FractalHeap(const FileImage& image, uint64_t address);

  /// The object of a heap ID: managed in a block, huge on its own, or tiny inside the ID itself.
  std::span<const std::byte> object(std::span<const std::byte> id);

 private:
  std::span<const std::byte> managed(uint64_t offset, uint64_t length);
  std::span<const std::byte> huge(uint64_t id);
  uint64_t indirect_entry(uint64_t address, uint64_t entries, uint64_t index);
  uint64_t row_block_size(uint64_t row) const;

  const FileImage* image_;
  uint64_t address_;
  uint64_t huge_tree_ = kUndefined;
  uint64_t table_width_ = 0;
  uint64_t starting_block_ = 0;
  uint64_t max_direct_block_ = 0;
  uint64_t root_ = kUndefined;
  uint64_t root_rows_ = 0;
  unsigned offset_bytes_ = 0;
  unsigned length_bytes_ = 0;
  std::set<uint64_t> verified_;  ///< indirect blocks whose checksum was right
  std::map<uint64_t, std::span<const std::byte>> huge_;
  bool huge_read_ = false;
};

}  // namespace keras::internal::hdf5
