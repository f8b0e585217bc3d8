// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace keras {

/// Counter-based random bits: Philox 4x32 with ten rounds (Salmon, Moraes, Dror, Shaw, "Parallel Random
/// Numbers: As Easy as 1, 2, 3", SC 2011). One (seed, draw) pair names an endless sequence of words, of which
/// any part can be computed alone; the words are those of TensorFlow's stateless Philox with the key `seed`
/// and the counter (0, draw).
class Philox {
 public:
  /// Four 32-bit words.
  using Block = std::array<uint32_t, 4>;

  /// The sequence of a seed and the number of the draw made with it.
  Philox(uint32_t seed, uint32_t draw) : seed_(seed), draw_(draw) {}

  /// Words 4 * index ... 4 * index + 3 of the sequence.
  Block block(uint64_t index) const {
    return rounds({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), draw_, 0}, {seed_, 0});
  }
  /// Writes the words from number `first` on.
  void fill(uint64_t first, std::span<uint32_t> words) const;
  /// Writes 64-bit words from number `first` on; each is two 32-bit words, the earlier one in the low half.
  void fill(uint64_t first, std::span<uint64_t> words) const;

  /// Ten rounds of Philox 4x32 on a counter under a key.
  static Block rounds(Block counter, std::array<uint32_t, 2> key);

 private:
  uint32_t seed_;
  uint32_t draw_;
};

}  // namespace keras
