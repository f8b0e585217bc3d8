// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/tensor/tensor.h"

namespace keras::ops {

/// Scaled dot-product attention (Vaswani et al., 2017): query (B, T, N, H), key and value (B, S, K, H) with N
/// a multiple of K (grouped queries); result (B, T, N, H). Softmax runs in at least float32. `bias` is added
/// to the logits and `mask` (bool) chooses the positions that count, both broadcast to (B, N, T, S); `scale`
/// none: 1 / sqrt(H); is_causal: later positions do not count. flash_attention must not be true, since the
/// backend chooses its kernel itself; attn_logits_soft_cap must not be set (Keras has it on TPUs alone).
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Tensor& bias = {}, const Tensor& mask = {},
                             std::optional<double> scale = {}, bool is_causal = false,
                             std::optional<bool> flash_attention = {},
                             std::optional<double> attn_logits_soft_cap = {});

}  // namespace keras::ops
