// SPDX-License-Identifier: Apache-2.0
#include "base/byte_sink.h"

#include <algorithm>
#include <string>

#include "keras/base/error.h"

namespace keras::internal {

void check_rewrite(uint64_t position, uint64_t count, uint64_t written) {
  if (position <= written && count <= written - position) return;
  fail<ValueError>(
      {"file", "Only bytes that were written can be replaced",
       std::to_string(count) + " bytes at " + std::to_string(position) + " of " + std::to_string(written),
       ""});
}

void MemorySink::write(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void MemorySink::rewrite(uint64_t position, std::span<const std::byte> bytes) {
  check_rewrite(position, bytes.size(), bytes_.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(position));
}

}  // namespace keras::internal
