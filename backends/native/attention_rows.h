// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::native {

/// What attention does to rows of logits and weights. T is float or double; results may stand in an operand's
/// place.
template <class T>
struct AttentionRows {
  /// to += from
  static void add(const T* from, T* to, int64_t count);
  /// to = a b
  static void multiply(const T* a, const T* b, T* to, int64_t count);
  /// to = scale where the word is at least `bound`, else 0
  static void factors(const uint32_t* words, uint32_t bound, T scale, T* to, int64_t count);
  static T dot(const T* a, const T* b, int64_t count);
  /// The gradient of the logits: dweights = weights (dweights factors - level); factors may be null.
  static void logits_grad(const T* weights, const T* factors, T level, T* dweights, int64_t count);
};

}  // namespace keras::native
