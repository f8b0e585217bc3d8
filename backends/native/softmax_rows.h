// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::native {

/// Softmax and its relatives over the middle of (outer, middle, inner), for the outer indices [begin, end).
/// T is float or double. In place where input and result are the same memory.
template <class T>
struct SoftmaxRows {
  static void softmax(const T* x, T* y, int64_t begin, int64_t end, int64_t middle, int64_t inner);
  static void log_softmax(const T* x, T* y, int64_t begin, int64_t end, int64_t middle, int64_t inner);
  /// (outer, inner) results; -inf where all elements are.
  static void logsumexp(const T* x, T* y, int64_t begin, int64_t end, int64_t middle, int64_t inner);
  static void softmax_grad(const T* y, const T* dy, T* dx, int64_t begin, int64_t end, int64_t middle,
                           int64_t inner);
  static void log_softmax_grad(const T* y, const T* dy, T* dx, int64_t begin, int64_t end, int64_t middle,
                               int64_t inner);
  /// Softmax of one contiguous row; gives its log-sum-exp.
  static T softmax_row(const T* x, T* y, int64_t count);
  /// dx = scale e^(x - shift) over one contiguous row.
  static void scaled_exp(const T* x, T* dx, int64_t count, T shift, T scale);
};

}  // namespace keras::native
