// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// 0, 1, 2, ... along an axis of x as int32: (1, T), or (batch, T) where T is known only when data flow.
Tensor positions(const Tensor& x, int axis);

/// (1 or batch, T, S): true where the position along `axis` of the key is not behind that of the query.
Tensor causal_mask(const Tensor& query, const Tensor& key, int axis);

/// What the fused op takes in the place of a mask.
struct MaskedAttention {
  Tensor query;  ///< zero where it sees nothing
  Tensor bias;   ///< (B, N, T, S) or broadcasting to it
};

/// `mask` (bool) chooses the positions that count and broadcasts to (B, N, T, S), as does `bias`, which may
/// be undefined; the query is (B, T, N, H). A query that sees nothing gets the mean of all values, whatever
/// it and the keys are, so they have no gradient from there.
MaskedAttention masked_attention(const char* where, const Tensor& query, const Tensor& bias,
                                 const Tensor& mask);

}  // namespace keras::internal
