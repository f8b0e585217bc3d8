// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/tensor/tensor.h"

namespace keras::ops {

/// Options of dot_product_attention.
struct DotProductAttentionOptions {
  Tensor bias = {};                            ///< added to the logits, broadcast to (B, N, T, S)
  Tensor mask = {};                            ///< bool, broadcast to (B, N, T, S): positions that count
  std::optional<double> scale;                 ///< factor of the logits; none: 1 / sqrt(H)
  bool is_causal = false;                      ///< later positions do not count
  std::optional<bool> flash_attention;         ///< must not be true: the backend chooses its kernel itself
  std::optional<double> attn_logits_soft_cap;  ///< must not be set (Keras has it on TPUs alone)
};

/// Scaled dot-product attention (Vaswani et al., 2017): query (B, T, N, H), key and value (B, S, K, H) with N
/// a multiple of K (grouped queries); result (B, T, N, H). Softmax runs in at least float32.
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const DotProductAttentionOptions& options = DotProductAttentionOptions());

}  // namespace keras::ops
