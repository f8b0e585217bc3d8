// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

/// Sizes of host memory, checked before anything is allocated: Linux promises pages that it does not have,
/// and ends the process when they are written.
namespace keras::internal {

/// What the machine has, swap included, in bytes; the largest number where the system does not say.
size_t machine_memory();

/// The product of `extents`, as the number of entries of `entry_bytes` bytes that `where` is about to make on
/// the host. Throws ValueError for a negative extent, BackendError where the machine could not hold them.
size_t host_entries(std::string_view where, size_t entry_bytes, std::initializer_list<int64_t> extents);

}  // namespace keras::internal
