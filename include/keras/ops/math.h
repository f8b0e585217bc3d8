// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "keras/tensor/tensor.h"

/// Special functions, segment reductions and framing (keras.ops.math; logsumexp stands in reductions.h, top_k
/// and in_top_k in sorting.h).
namespace keras::ops {

/// The error function. x has a float dtype.
Tensor erf(const Tensor& x);
/// 1 - erf(x). x has a float dtype.
Tensor erfc(const Tensor& x);
/// The inverse error function. x has a float dtype.
Tensor erfinv(const Tensor& x);
/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);
/// The regularised lower incomplete gamma function P(x1, x2); its gradient flows to x2 only.
Tensor gammainc(const Tensor& x1, const Tensor& x2);
/// Euclidean distances between the rows of x (n, d) and y (m, d): (n, m).
Tensor cdist(const Tensor& x, const Tensor& y);

/// Sums of the elements (along axis 0) that have one segment id; `num_segments` (none: the largest id plus 1)
/// gives the length. Negative ids are left out. `sorted` is only a hint.
Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments = {},
                   bool sorted = false);
/// Largest elements of segments; the lowest number of the dtype where a segment is empty.
Tensor segment_max(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments = {},
                   bool sorted = false);
/// Smallest elements of segments; the highest number of the dtype where a segment is empty.
Tensor segment_min(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments = {},
                   bool sorted = false);
/// Products of segments; 1 where a segment is empty.
Tensor segment_prod(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments = {},
                    bool sorted = false);

/// Overlapping windows of the last axis: (..., frames, sequence_length).
Tensor extract_sequences(const Tensor& x, int64_t sequence_length, int64_t sequence_stride);
/// A real tensor (..., 2) as complex numbers (...).
Tensor view_as_complex(const Tensor& x);
/// Complex numbers (...) as a real tensor (..., 2).
Tensor view_as_real(const Tensor& x);

}  // namespace keras::ops
