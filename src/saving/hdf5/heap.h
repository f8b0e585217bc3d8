// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// The names of an old-style group.
class LocalHeap {
 public:
  LocalHeap(const FileImage& image, uint64_t address);

  /// The text at an offset. All names together must fit into the heap, which bounds what a file can cost.
  std::string name(uint64_t offset);

 private:
  const FileImage* image_;
  std::span<const std::byte> data_;
  uint64_t taken_ = 0;
};

/// Variable-length elements, by collection address and object index.
class GlobalHeap {
 public:
  explicit GlobalHeap(const FileImage& image) : image_(&image) {}

  /// The first `size` bytes of an object, which must have as many.
  std::span<const std::byte> object(uint64_t address, uint32_t index, uint64_t size);

 private:
  using Collection = std::unordered_map<uint32_t, std::span<const std::byte>>;
  const Collection& collection(uint64_t address);

  const FileImage* image_;
  std::map<uint64_t, Collection> collections_;
  uint64_t taken_ = 0;
};

}  // namespace keras::internal::hdf5
