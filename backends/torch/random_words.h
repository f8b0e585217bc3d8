// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::aten {

/// The first words of the Philox sequence of a seed and a draw number, the same on every backend.
void random_words(uint32_t seed, uint32_t draw, int64_t count, uint32_t* out);

/// One per word: whether it is at least `bound`.
void random_keeps(uint32_t seed, uint32_t draw, int64_t count, uint32_t bound, bool* out);

/// Dropout in one pass: x * factor where the element's word is at least `bound`, else 0.
void random_drop(uint32_t seed, uint32_t draw, int64_t count, uint32_t bound, float factor, const float* x,
                 float* out);

}  // namespace keras::aten
