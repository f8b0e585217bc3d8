// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <string>
#include <string_view>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// Bytes that hold numbers up to `limit` (at least one), as HDF5 sizes its packed fields.
constexpr unsigned encoded_size(uint64_t limit) {
  return limit == 0 ? 1 : (std::bit_width(limit) - 1) / 8 + 1;
}

/// Reads one structure front to back; running past its end is a ValueError that names it.
class Cursor {
 public:
  /// `structure` must outlive the cursor; in practice it is a literal.
  Cursor(const FileImage& image, std::string_view structure, uint64_t address, uint64_t size)
      : image_(&image),
        structure_(structure),
        bytes_(image.view(address, size, structure)),
        start_(address) {}
  Cursor(const FileImage& image, std::string_view structure, std::span<const std::byte> part)
      : image_(&image), structure_(structure), bytes_(part), start_(image.address_of(part)) {}

  std::span<const std::byte> bytes(uint64_t count) {
    if (count > remaining()) {
      reject("the structure must hold what it declares",
             std::to_string(count) + " more bytes where " + std::to_string(remaining()) + " are left");
    }
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }

  /// A little-endian unsigned number of `width` bytes (at most 8).
  uint64_t number(unsigned width) {
    if (width > 8) reject("packed numbers have at most 8 bytes", std::to_string(width) + " bytes");
    uint64_t value = 0;
    unsigned shift = 0;
    for (const std::byte b : bytes(width)) {
      value |= static_cast<uint64_t>(b) << shift;
      shift += 8;
    }
    return value;
  }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t length() { return number(image_->length_size); }

  /// A file address; all ones of its width become kUndefined.
  uint64_t offset() {
    const uint64_t value = number(image_->offset_size);
    const unsigned bits = 8 * image_->offset_size;
    return bits < 64 && value == (uint64_t{1} << bits) - 1 ? kUndefined : value;
  }

  std::string text(uint64_t count) {
    const auto part = bytes(count);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// A zero-terminated text; the terminator is consumed.
  std::string terminated_text() {
    uint64_t count = 0;
    while (count < remaining() && bytes_[position_ + count] != std::byte{0}) ++count;
    std::string value = text(count);
    skip(1);
    return value;
  }

  void skip(uint64_t count) { bytes(count); }

  /// Skips to a multiple of `unit` bytes from the structure's start.
  void align(uint64_t unit) { skip((unit - position_ % unit) % unit); }

  void signature(std::string_view expected) {
    if (const std::string found = text(expected.size()); found != expected) {
      std::string shown;
      for (const char c : found) shown += c >= ' ' && c <= '~' ? c : '.';
      reject("the signature must be '" + std::string(expected) + "'", "'" + shown + "'");
    }
  }

  void version(uint8_t expected) {
    if (const uint8_t found = u8(); found != expected) {
      reject("the version must be " + std::to_string(expected), std::to_string(found));
    }
  }

  uint64_t remaining() const { return bytes_.size() - position_; }
  uint64_t position() const { return position_; }
  uint64_t address() const { return start_; }
  const FileImage& image() const { return *image_; }

  /// The part read so far, which is what checksums cover.
  std::span<const std::byte> consumed() const { return bytes_.first(position_); }

  [[noreturn]] void reject(std::string_view requirement, std::string received = {},
                           std::string hint = {}) const {
    image_->reject(structure_, start_, requirement, std::move(received), std::move(hint));
  }
  [[noreturn]] void refuse(std::string_view requirement, std::string received = {},
                           std::string hint = {}) const {
    image_->refuse(structure_, start_, requirement, std::move(received), std::move(hint));
  }

 private:
  const FileImage* image_;
  std::string_view structure_;
  std::span<const std::byte> bytes_;
  uint64_t start_;
  uint64_t position_ = 0;
};

}  // namespace keras::internal::hdf5
