// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/checksum.h"

#include <bit>

namespace keras::internal::hdf5 {

uint32_t lookup3(std::span<const std::byte> bytes) {
  uint32_t a = 0xdeadbeefu + static_cast<uint32_t>(bytes.size());
  uint32_t b = a;
  uint32_t c = a;
  const auto add = [&](std::span<const std::byte> part) {
    uint32_t words[3] = {0, 0, 0};
    for (size_t i = 0; i < part.size(); ++i) words[i / 4] |= static_cast<uint32_t>(part[i]) << (8 * (i % 4));
    a += words[0];
    b += words[1];
    c += words[2];
  };
  while (bytes.size() > 12) {
    add(bytes.first(12));
    bytes = bytes.subspan(12);
    a = (a - c) ^ std::rotl(c, 4), c += b;
    b = (b - a) ^ std::rotl(a, 6), a += c;
    c = (c - b) ^ std::rotl(b, 8), b += a;
    a = (a - c) ^ std::rotl(c, 16), c += b;
    b = (b - a) ^ std::rotl(a, 19), a += c;
    c = (c - b) ^ std::rotl(b, 4), b += a;
  }
  if (bytes.empty()) return c;
  add(bytes);
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  c = (c ^ b) - std::rotl(b, 24);
  return c;
}

uint32_t fletcher32(std::span<const std::byte> bytes) {
  uint32_t sum1 = 0;
  uint32_t sum2 = 0;
  const auto fold = [](uint32_t sum) { return (sum & 0xffff) + (sum >> 16); };
  const auto at = [&](size_t i) { return static_cast<uint32_t>(bytes[i]); };
  size_t i = 0;
  while (i + 1 < bytes.size()) {
    // 360 words are the most that cannot overflow before the sums are folded.
    for (size_t words = 0; words < 360 && i + 1 < bytes.size(); ++words, i += 2) {
      sum1 += at(i) << 8 | at(i + 1);
      sum2 += sum1;
    }
    sum1 = fold(sum1);
    sum2 = fold(sum2);
  }
  if (i < bytes.size()) {
    sum1 = fold(sum1 + (at(i) << 8));
    sum2 = fold(sum2 + sum1);
  }
  return fold(sum2) << 16 | fold(sum1);
}

void verify_checksum(Cursor& cursor) {
  [[maybe_unused]] const uint32_t computed = lookup3(cursor.consumed());
  [[maybe_unused]] const uint32_t stored = cursor.u32();
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // a fuzzer would seldom get past it
  if (computed != stored) {
    cursor.reject("the checksum must match", hex(stored) + " stored, " + hex(computed) + " computed",
                  "the file is damaged");
  }
#endif
}

}  // namespace keras::internal::hdf5
