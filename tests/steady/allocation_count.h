// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::tests {

/// What this program has asked for so far, in all threads and libraries.
struct AllocationCount {
  int64_t news = 0;     ///< calls of operator new
  int64_t mallocs = 0;  ///< calls of malloc and its sisters
  int64_t onednn = 0;   ///< either, called by oneDNN's own code: in neither count above
  int64_t faults = 0;   ///< pages given at their first touch
};

AllocationCount allocation_count();

/// False where a sanitizer has its own malloc.
bool counts_mallocs();

}  // namespace keras::tests
