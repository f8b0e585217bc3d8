// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace keras::internal {

/// Where a file under construction goes: bytes in order, and at the end perhaps its first bytes again, since
/// formats keep addresses there that are known only then.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  /// Appends bytes.
  virtual void write(std::span<const std::byte> bytes) = 0;

  /// Replaces the first bytes, of which at least as many have been written.
  virtual void rewrite_start(std::span<const std::byte> bytes) = 0;
};

/// Collects a file in memory.
class MemorySink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void rewrite_start(std::span<const std::byte> bytes) override {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace keras::internal
