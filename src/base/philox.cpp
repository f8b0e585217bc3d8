// SPDX-License-Identifier: Apache-2.0
#include "keras/base/philox.h"

#include <cstddef>

namespace keras {

Philox::Block Philox::rounds(Block counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t odd = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(odd >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(odd),
               static_cast<uint32_t>(even >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(even)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

void Philox::fill(uint64_t first, std::span<uint32_t> words) const {
  size_t done = 0;
  while (done < words.size()) {
    const uint64_t word = first + done;
    const Block values = block(word / 4);
    for (uint64_t lane = word % 4; lane < 4 && done < words.size(); ++lane) words[done++] = values[lane];
  }
}

void Philox::fill(uint64_t first, std::span<uint64_t> words) const {
  size_t done = 0;
  while (done < words.size()) {
    const uint64_t word = first + done;
    const Block values = block(word / 2);
    for (uint64_t lane = word % 2; lane < 2 && done < words.size(); ++lane) {
      words[done++] = values[2 * lane] | uint64_t{values[2 * lane + 1]} << 32;
    }
  }
}

}  // namespace keras
