// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::native {

/// Words 4 * first ... 4 * (first + blocks) - 1 of the Philox sequence of a seed and draw number, by vectors.
void philox_blocks(uint32_t seed, uint32_t draw, uint64_t first, int64_t blocks, uint32_t* out);

}  // namespace keras::native
