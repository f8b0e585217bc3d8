// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/attention.h"

#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "ops/attention_mask.h"
#include "ops/fused.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

// (B, S, K, H) with every head repeated for its group of queries.
Tensor repeat_heads(const Tensor& x, Dim groups) {
  if (groups == Dim(1)) return x;
  const Dim b = x.dim(0), s = x.dim(1), k = x.dim(2), h = x.dim(3);
  return prim::reshape(prim::broadcast_to(prim::expand_dims(x, 3), Shape{b, s, k, groups, h}),
                       Shape{b, s, k * groups, h});
}

}  // namespace

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias,
                             const Tensor& mask, std::optional<double> scale, bool is_causal,
                             std::optional<bool> flash_attention,
                             std::optional<double> attn_logits_soft_cap) {
  if (auto node = symbolic<&dot_product_attention>(query, key, value, bias, mask, scale, is_causal,
                                                   flash_attention, attn_logits_soft_cap)) {
    return *node;
  }
  const char* where = "dot_product_attention";
  if (flash_attention.value_or(false)) {
    fail<UnsupportedError>({where, "The backend chooses its attention kernel itself", "flash_attention=true",
                            "leave flash_attention unset"});
  }
  if (attn_logits_soft_cap) {
    fail<UnsupportedError>({where, "attn_logits_soft_cap is not available here", "", "leave it unset"});
  }
  const auto shapes = [&] {
    return fmt::format("query.shape={}, key.shape={}, value.shape={}", query.shape().to_string(),
                       key.shape().to_string(), value.shape().to_string());
  };
  if (query.rank() != 4 || key.rank() != 4 || value.rank() != 4) {
    fail<ValueError>(
        {where, "query, key and value must have rank 4: batch, positions, heads, width", shapes(), ""});
  }
  auto promoted = promote(std::vector<Tensor>{query, key, value});
  for (auto& t : promoted) t = as_float(t);
  Tensor q = promoted[0], k = promoted[1], v = promoted[2];
  const Dim heads = q.dim(2), own = k.dim(2);
  if (heads.known() && own.known() && !(heads == own)) {
    if (own.value() < 1 || heads.value() % own.value() != 0) {
      fail<ValueError>({where, "The query's heads must be a multiple of the key's", shapes(), ""});
    }
    const Dim groups(heads.value() / own.value());
    k = repeat_heads(k, groups);
    v = repeat_heads(v, groups);
  }
  Tensor added = bias.defined() ? as_dtype(bias, q.dtype()) : Tensor();
  if (mask.defined()) {
    if (mask.dtype() != DType::bool_) {
      fail<TypeError>(
          {where, "The mask must be bool", std::string(dtype_name(mask.dtype())), "compare or cast it"});
    }
    Tensor counted = mask;
    if (is_causal) {
      while (counted.rank() < 4) counted = prim::expand_dims(counted, 0);
      counted = prim::bit_and(counted, prim::expand_dims(causal_mask(q, k, 1), 1));
    }
    auto masked = masked_attention(where, q, added, counted);
    q = std::move(masked.query);
    added = std::move(masked.bias);
  }
  fused::AttentionArguments arguments;
  arguments.causal = is_causal && !mask.defined();
  arguments.scale = scale.value_or(1.0 / std::sqrt(static_cast<double>(k.dim(3).value())));
  return fused::attention(q, k, v, added, Tensor(), arguments);
}

}  // namespace keras::ops
