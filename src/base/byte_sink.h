// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace keras::internal {

/// Where a file under construction goes: bytes in order, some of them replaced later, since formats keep
/// sizes and addresses in front that are known only at the end.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  /// Appends bytes.
  virtual void write(std::span<const std::byte> bytes) = 0;

  /// Replaces bytes that were written before. ValueError if they were not.
  virtual void rewrite(uint64_t position, std::span<const std::byte> bytes) = 0;
};

/// Collects a file in memory.
class MemorySink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override;
  void rewrite(uint64_t position, std::span<const std::byte> bytes) override;

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Throws ValueError unless `count` bytes at `position` lie in the first `written` ones.
void check_rewrite(uint64_t position, uint64_t count, uint64_t written);

}  // namespace keras::internal
