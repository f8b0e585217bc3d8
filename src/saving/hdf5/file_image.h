// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace keras::internal::hdf5 {

/// The address that stands for "nothing here" in every structure.
constexpr uint64_t kUndefined = ~uint64_t{0};

/// A value as an address is usually written: "0x1f0".
std::string hex(uint64_t value);

/// The bytes of an HDF5 file from its superblock on, with the widths that the superblock declares.
/// Every access names its structure and is checked against the file's length.
class FileImage {
 public:
  FileImage(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  /// `size` bytes at `address`; ValueError if they do not lie inside the file.
  std::span<const std::byte> view(uint64_t address, uint64_t size, std::string_view structure) const;

  /// Where a view taken from this image begins.
  uint64_t address_of(std::span<const std::byte> part) const {
    return part.empty() ? 0 : static_cast<uint64_t>(part.data() - bytes_.data());
  }

  /// Throws ValueError "[file] requirement (structure at address). Received: ...".
  [[noreturn]] void reject(std::string_view structure, uint64_t address, std::string_view requirement,
                           std::string received = {}, std::string hint = {}) const;

  /// Throws UnsupportedError: the file is right, but uses a part of HDF5 that is not read here.
  [[noreturn]] void refuse(std::string_view structure, uint64_t address, std::string_view requirement,
                           std::string received = {}, std::string hint = {}) const;

  uint64_t size() const { return bytes_.size(); }
  const std::string& name() const { return name_; }

  unsigned offset_size = 8;  ///< bytes of an address
  unsigned length_size = 8;  ///< bytes of a length

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
};

}  // namespace keras::internal::hdf5
