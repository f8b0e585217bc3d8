// SPDX-License-Identifier: Apache-2.0
#include "keras/base/host_memory.h"

#include <sys/sysinfo.h>

#include <limits>
#include <string>

#include "keras/base/error.h"

namespace keras::internal {

size_t machine_memory() {
  static const size_t bytes = [] {
    struct sysinfo info {};
    if (sysinfo(&info) != 0) return std::numeric_limits<size_t>::max();
    return (size_t{info.totalram} + info.totalswap) * info.mem_unit;
  }();
  return bytes;
}

size_t host_entries(std::string_view where, size_t entry_bytes, std::initializer_list<int64_t> extents) {
  const auto received = [&] {
    std::string text;
    for (const int64_t extent : extents) text += (text.empty() ? "" : " x ") + std::to_string(extent);
    return text + " entries of " + std::to_string(entry_bytes) + " bytes";
  };
  size_t bytes = entry_bytes, count = 1;
  bool fits = true;
  for (const int64_t extent : extents) {
    if (extent < 0) fail<ValueError>({where, "A number of entries must not be negative", received(), ""});
    fits = fits && !__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes);
    count *= static_cast<size_t>(extent);
  }
  if (!fits || bytes > machine_memory()) {
    fail<BackendError>({where, "What is made on the host must fit in its memory",
                        received() + " on a machine of " + std::to_string(machine_memory()) + " bytes", ""});
  }
  return count;
}

}  // namespace keras::internal
