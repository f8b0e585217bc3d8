// SPDX-License-Identifier: Apache-2.0
#include "random_words.h"

#include <cstddef>
#include <span>

#include "keras/base/philox.h"

namespace keras::aten {

void random_words(uint32_t seed, uint32_t draw, int64_t count, uint32_t* out) {
  Philox(seed, draw).fill(0, std::span<uint32_t>(out, static_cast<size_t>(count)));
}

void random_keeps(uint32_t seed, uint32_t draw, int64_t count, uint32_t bound, bool* out) {
  const Philox philox(seed, draw);
  for (int64_t i = 0; i < count; i += 4) {
    const Philox::Block words = philox.block(static_cast<uint64_t>(i / 4));
    for (int64_t lane = 0; lane < 4 && i + lane < count; ++lane) {
      out[i + lane] = words[static_cast<size_t>(lane)] >= bound;
    }
  }
}

}  // namespace keras::aten
