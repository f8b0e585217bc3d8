// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {

/// Bob Jenkins' lookup3 hash ("hashlittle", initial value 0), which closes the newer structures.
uint32_t lookup3(std::span<const std::byte> bytes);

/// Fletcher's 32-bit sum over big-endian 16-bit words, as the fletcher32 filter stores it.
uint32_t fletcher32(std::span<const std::byte> bytes);

/// Reads the checksum at the cursor and compares it with everything the cursor read before.
void verify_checksum(Cursor& cursor);

}  // namespace keras::internal::hdf5
