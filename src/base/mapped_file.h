// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace keras::internal {

/// A file's bytes, mapped for reading: large weights are copied once, from the page cache to their tensor.
/// As with every mapping, the file must not be cut shorter while it is open.
class MappedFile {
 public:
  /// ValueError with the path if the file cannot be opened.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace keras::internal
