// SPDX-License-Identifier: Apache-2.0
#include "random_words.h"

#include <algorithm>
#include <cstddef>

#include "loops.h"

namespace keras::aten {
namespace {

constexpr int kLanes = 64;  // blocks of four words computed side by side
constexpr int64_t kChunk = 4 * kLanes;

// The words of keras::Philox::block, of kLanes blocks from number `first` on; lane by lane, so that it
// vectorizes.
KERAS_EVERY_PROCESSOR void philox_chunk(uint32_t seed, uint32_t draw, uint64_t first, uint32_t* out) {
  uint32_t a[kLanes], b[kLanes], c[kLanes], d[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    a[i] = static_cast<uint32_t>(first + static_cast<uint64_t>(i));
    b[i] = static_cast<uint32_t>((first + static_cast<uint64_t>(i)) >> 32);
    c[i] = draw;
    d[i] = 0;
  }
  uint32_t key0 = seed, key1 = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kLanes; ++i) {
      const uint64_t even = uint64_t{0xD2511F53u} * a[i];
      const uint64_t odd = uint64_t{0xCD9E8D57u} * c[i];
      a[i] = static_cast<uint32_t>(odd >> 32) ^ b[i] ^ key0;
      b[i] = static_cast<uint32_t>(odd);
      c[i] = static_cast<uint32_t>(even >> 32) ^ d[i] ^ key1;
      d[i] = static_cast<uint32_t>(even);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int i = 0; i < kLanes; ++i) {
    out[4 * i] = a[i];
    out[4 * i + 1] = b[i];
    out[4 * i + 2] = c[i];
    out[4 * i + 3] = d[i];
  }
}

KERAS_EVERY_PROCESSOR void drop_chunk(const uint32_t* words, int64_t count, uint32_t bound, float factor,
                                      const float* x, float* out) {
  KERAS_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) out[i] = words[i] >= bound ? x[i] * factor : 0.f;
}

// visit(words, first, count) for each chunk of a sequence's first words.
template <class Visit>
void each_chunk(uint32_t seed, uint32_t draw, int64_t count, Visit visit) {
  uint32_t words[kChunk];
  for (int64_t first = 0; first < count; first += kChunk) {
    philox_chunk(seed, draw, static_cast<uint64_t>(first / 4), words);
    visit(words, first, std::min(kChunk, count - first));
  }
}

}  // namespace

void random_words(uint32_t seed, uint32_t draw, int64_t count, uint32_t* out) {
  each_chunk(seed, draw, count, [&](const uint32_t* words, int64_t first, int64_t here) {
    std::copy(words, words + here, out + first);
  });
}

void random_keeps(uint32_t seed, uint32_t draw, int64_t count, uint32_t bound, bool* out) {
  each_chunk(seed, draw, count, [&](const uint32_t* words, int64_t first, int64_t here) {
    for (int64_t i = 0; i < here; ++i) out[first + i] = words[i] >= bound;
  });
}

void random_drop(uint32_t seed, uint32_t draw, int64_t count, uint32_t bound, float factor, const float* x,
                 float* out) {
  each_chunk(seed, draw, count, [&](const uint32_t* words, int64_t first, int64_t here) {
    drop_chunk(words, here, bound, factor, x + first, out + first);
  });
}

}  // namespace keras::aten
