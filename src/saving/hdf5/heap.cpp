// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/heap.h"

#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {

LocalHeap::LocalHeap(const FileImage& image, uint64_t address) : image_(&image) {
  constexpr std::string_view kStructure = "local heap";
  Cursor cursor(image, kStructure, address, 8 + 2 * image.length_size + image.offset_size);
  cursor.signature("HEAP");
  cursor.version(0);
  cursor.skip(3);
  const uint64_t size = cursor.length();
  cursor.length();  // free list
  data_ = image.view(cursor.offset(), size, kStructure);
}

std::string LocalHeap::name(uint64_t offset) {
  constexpr std::string_view kStructure = "local heap";
  const uint64_t address = image_->address_of(data_);
  if (offset >= data_.size()) {
    image_->reject(kStructure, address, "names must lie inside the heap", "offset " + std::to_string(offset));
  }
  Cursor cursor(*image_, kStructure, data_.subspan(offset));
  std::string name = cursor.terminated_text();
  taken_ += name.size() + 1;
  if (taken_ > data_.size()) image_->reject(kStructure, address, "names must not overlap");
  return name;
}

const GlobalHeap::Collection& GlobalHeap::collection(uint64_t address) {
  const auto known = collections_.find(address);
  if (known != collections_.end()) return known->second;
  constexpr std::string_view kStructure = "global heap";
  Cursor prefix(*image_, kStructure, address, 8 + image_->length_size);
  prefix.signature("GCOL");
  prefix.version(1);
  prefix.skip(3);
  const uint64_t size = prefix.length();
  Cursor cursor(*image_, kStructure, address, size);
  cursor.skip(prefix.position());
  Collection objects;
  while (cursor.remaining() >= 8 + image_->length_size) {
    const uint16_t index = cursor.u16();
    cursor.skip(6);  // reference count, reserved
    const uint64_t bytes = cursor.length();
    if (index == 0) break;  // free space is the last object
    objects.emplace(index, cursor.bytes(bytes));
    if (const uint64_t rest = (8 - bytes % 8) % 8; rest <= cursor.remaining()) cursor.skip(rest);
  }
  return collections_.emplace(address, std::move(objects)).first->second;
}

std::span<const std::byte> GlobalHeap::object(uint64_t address, uint32_t index, uint64_t size) {
  const Collection& objects = collection(address);
  const auto found = objects.find(index);
  if (found == objects.end() || found->second.size() < size) {
    image_->reject("global heap", address, "the heap must hold the element",
                   std::to_string(size) + " bytes wanted of object " + std::to_string(index));
  }
  taken_ += size;
  if (taken_ > image_->size()) image_->reject("global heap", address, "elements must not overlap");
  return found->second.first(size);
}

}  // namespace keras::internal::hdf5
