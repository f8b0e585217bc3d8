// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/mapped_file.h"
#include "saving/hdf5/link.h"
#include "saving/hdf5/superblock.h"

namespace keras::internal::hdf5 {

/// The bytes that a Reader's objects share, and the links of the groups seen so far.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : mapped_(std::make_unique<MappedFile>(path)), superblock_(read_superblock(mapped_->bytes(), path)) {}
  OpenFile(std::span<const std::byte> bytes, const std::string& name)
      : superblock_(read_superblock(bytes, name)) {}

  const FileImage& image() const { return superblock_.image; }
  uint64_t root() const { return superblock_.root; }

  std::shared_ptr<const std::vector<Link>> links(const ObjectHeader& header) {
    const std::lock_guard lock(mutex_);
    auto& links = links_[header.address()];
    if (!links) links = std::make_shared<const std::vector<Link>>(read_links(image(), header));
    return links;
  }

 private:
  std::unique_ptr<MappedFile> mapped_;
  Superblock superblock_;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<const std::vector<Link>>> links_;
};

}  // namespace keras::internal::hdf5
