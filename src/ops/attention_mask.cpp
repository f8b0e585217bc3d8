// SPDX-License-Identifier: Apache-2.0
#include "ops/attention_mask.h"

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "ops/primitives.h"

namespace keras::internal {

Tensor positions(const Tensor& x, int axis) {
  const int at = axis < 0 ? axis + x.rank() : axis;
  const Dim extent = x.dim(at);
  if (extent.known()) return prim::iota(DType::int32, Shape{1, extent}, 1);
  Tensor row = ops::moveaxis(x, at, 1);
  while (row.rank() > 2) row = ops::take(row, Tensor(0), -1);
  return ops::subtract(ops::cumsum(ops::ones_like(row, DType::int32), 1), Tensor(1));
}

Tensor causal_mask(const Tensor& query, const Tensor& key, int axis) {
  return ops::greater_equal(ops::expand_dims(positions(query, axis), 2),
                            ops::expand_dims(positions(key, axis), 1));
}

MaskedAttention masked_attention(const char* where, const Tensor& query, const Tensor& bias,
                                 const Tensor& mask) {
  if (mask.rank() > 4) {
    fail<ValueError>({where, "The mask must broadcast to (B, N, T, S)", mask.shape().to_string(), ""});
  }
  const DType dtype = query.dtype();
  Tensor counted = mask;
  while (counted.rank() < 4) counted = prim::expand_dims(counted, 0);
  const Tensor zero = prim::scalar(0, dtype);
  // Large and finite: the weight is exactly 0 beside any position that counts.
  const Tensor excluded = prim::scalar(-0.7 * (dtype == DType::float16 ? 65500.0 : 3.38953e38), dtype);
  const Tensor sees = prim::logical_any(counted, Axes{3}, true);
  const Tensor added = prim::select(counted, bias.defined() ? bias : zero, excluded);
  // Logits of a query that sees nothing are 0: among large ones, the logarithm of their number would be lost.
  return {prim::select(prim::transpose(sees, {0, 2, 1, 3}), query, zero), prim::select(sees, added, zero)};
}

}  // namespace keras::internal
