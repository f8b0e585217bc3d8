// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace keras::internal::hdf5 {

/// Builds one structure front to back, little endian.
class ByteBuilder {
 public:
  ByteBuilder& number(uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
    return *this;
  }
  ByteBuilder& bytes(std::span<const std::byte> part) {
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    return *this;
  }
  /// The text's bytes and a terminating zero.
  ByteBuilder& text(std::string_view value) {
    bytes(std::as_bytes(std::span(value)));
    return number(0, 1);
  }
  ByteBuilder& zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  /// Zeros up to a multiple of `unit`.
  ByteBuilder& align(size_t unit) { return zeros((unit - bytes_.size() % unit) % unit); }

  size_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::exchange(bytes_, {}); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace keras::internal::hdf5
