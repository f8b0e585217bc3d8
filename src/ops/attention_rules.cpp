// SPDX-License-Identifier: Apache-2.0
// Rules of attention and its gradient. Logits and softmax are computed in at least float32.
#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/fused.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

size_t forward_operands(const AttentionAttributes& at) {
  return 3 + (at.has_bias != 0 ? 1u : 0u) + (at.dropout_rate > 0 ? 1u : 0u);
}

bool fits(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

void check_attention(const InferContext& c) {
  const auto& at = c.attrs<AttentionAttributes>();
  if (c.operands.size() < forward_operands(at)) {
    fail<ValueError>({c.op, fmt::format("These attributes need {} operands", forward_operands(at)),
                      fmt::format("{}", c.operands.size()), ""});
  }
  const auto received = fmt::format("q {}, k {}, v {}", c.operands[0].to_string(), c.operands[1].to_string(),
                                    c.operands[2].to_string());
  bool good = true;
  for (size_t i = 0; i < 3; ++i) good = good && c.shape(i).rank() == 4;
  if (!good)
    fail<ValueError>({c.op, "q, k and v must have rank 4: batch, positions, heads, width", received, ""});
  const Shape &q = c.shape(0), &k = c.shape(1), &v = c.shape(2);
  good = fits(q[0], k[0]) && fits(q[0], v[0]) && fits(k[1], v[1]) && fits(q[2], k[2]) && fits(q[2], v[2]) &&
         fits(q[3], k[3]);
  if (!good) {
    fail<ValueError>({c.op,
                      "q, k and v must agree in batch and heads, k and v in positions, q and k in width",
                      received, ""});
  }
  if (c.dtype(0) != c.dtype(1) || c.dtype(0) != c.dtype(2) || !is_float(c.dtype(0))) {
    fail<TypeError>({c.op, "q, k and v must have one float dtype", received, ""});
  }
}

Shape attended(const InferContext& c) { return {c.shape(0)[0], c.shape(0)[1], c.shape(0)[2], c.shape(2)[3]}; }

void infer_attention(InferContext& c) {
  check_attention(c);
  c.result(c.dtype(0), attended(c));
}

void infer_attention_grad(InferContext& c) {
  check_attention(c);
  const size_t count = c.attrs<AttentionAttributes>().has_bias != 0 ? 4 : 3;
  for (size_t i = 0; i < count; ++i) c.results.push_back(c.operands[i]);
}

// What forward and gradient compute alike. Products are batched over (batch, heads).
struct Parts {
  const AttentionAttributes& at;
  std::span<const Tensor> operands;
  DType wide;

  Parts(const AttentionAttributes& attributes, std::span<const Tensor> given)
      : at(attributes),
        operands(given),
        wide(given[0].dtype() == DType::float64 ? DType::float64 : DType::float32) {}

  // (B, N, T, S)
  Tensor logits() const {
    const Tensor q = operands[0], k = operands[1];
    Tensor z = prim::cast(prim::dot_general(q, k, {3}, {3}, {0, 2}, {0, 2}), wide);
    z = prim::mul(z, prim::scalar(at.scale, wide));
    if (at.has_bias != 0) z = prim::add(z, prim::cast(operands[3], wide));
    if (at.causal == 0) return z;
    const Shape square{1, 1, q.dim(1), k.dim(1)};
    const Tensor later =
        prim::greater(prim::iota(DType::int32, square, 3), prim::iota(DType::int32, square, 2));
    return prim::select(later, prim::scalar(-0.7 * 3.38953e38, wide), z);
  }
  Tensor dropped(const Tensor& weights) const {
    if (!(at.dropout_rate > 0)) return weights;
    return fused::dropout(weights, operands[at.has_bias != 0 ? 4 : 3], at.dropout_rate, weights.shape());
  }
};

Tensors decompose_attention(DecomposeContext& c) {
  const Parts parts(c.attrs<AttentionAttributes>(), c.operands);
  const Tensor z = parts.logits();
  const Tensor lse = prim::logsumexp(z, {3}, true);
  const Tensor weights = prim::cast(parts.dropped(prim::exp(prim::sub(z, lse))), c[0].dtype());
  const Tensor y = prim::dot_general(weights, c[2], {3}, {1}, {0, 1}, {0, 2});
  Tensors out{prim::transpose(y, {0, 2, 1, 3})};
  if (c.residuals) out.push_back(prim::squeeze(lse, Axes{3}));
  return out;
}

Tensors attention_vjp(VjpContext& c) {
  Tensors operands(c.operands.begin(), c.operands.end());
  operands.push_back(c.result());
  operands.push_back(c.grad());
  operands.append(c.residuals.begin(), c.residuals.end());
  Tensors out = apply(OpId::attention_grad_op, c.attributes, operands);
  out.resize(c.operands.size());  // nothing flows into the random state
  return out;
}

Tensors decompose_attention_grad(DecomposeContext& c) {
  const auto& at = c.attrs<AttentionAttributes>();
  const size_t own = forward_operands(at);
  const Parts parts(at, c.operands.subspan(0, own));
  const DType narrow = c[0].dtype();
  const Tensor lse = prim::expand_dims(c[own + 2], 3);
  const Tensor weights = prim::exp(prim::sub(parts.logits(), lse));
  const Tensor dy = c[own + 1];
  const Tensor kept = prim::cast(parts.dropped(weights), narrow);
  // dv: (B, N, S, H) from the kept weights (B, N, T, S) and dy (B, T, N, H).
  const Tensor dv = prim::dot_general(kept, dy, {2}, {1}, {0, 1}, {0, 2});
  const Tensor dkept = prim::cast(prim::dot_general(dy, c[2], {3}, {3}, {0, 2}, {0, 2}), parts.wide);
  const Tensor dweights = parts.dropped(dkept);
  const Tensor along = prim::reduce_sum(prim::mul(dweights, weights), {3}, true);
  Tensor dlogits = prim::mul(weights, prim::sub(dweights, along));
  if (at.causal != 0) {
    const Shape square{1, 1, c[0].dim(1), c[1].dim(1)};
    const Tensor later =
        prim::greater(prim::iota(DType::int32, square, 3), prim::iota(DType::int32, square, 2));
    dlogits = prim::select(later, prim::scalar(0, parts.wide), dlogits);
  }
  const Tensor scaled = prim::cast(prim::mul(dlogits, prim::scalar(at.scale, parts.wide)), narrow);
  const Tensor dq = prim::dot_general(scaled, c[1], {3}, {1}, {0, 1}, {0, 2});
  const Tensor dk = prim::dot_general(scaled, c[0], {2}, {1}, {0, 1}, {0, 2});
  Tensors out{prim::transpose(dq, {0, 2, 1, 3}), prim::transpose(dk, {0, 2, 1, 3}),
              prim::transpose(dv, {0, 2, 1, 3})};
  if (at.has_bias != 0) {
    out.push_back(prim::cast(reduce_to(dlogits, {parts.wide, c[3].shape()}), c[3].dtype()));
  }
  return out;
}

std::vector<OpSample> attention_samples() {
  auto plain = make_attributes<AttentionAttributes>();
  plain.scale = 0.5;
  const Tensor q = sample_values({2, 3, 2, 4}), k = sample_values({2, 5, 2, 4}, 0.7),
               v = sample_values({2, 5, 2, 3}, 1.3);
  auto biased = plain;
  biased.has_bias = 1;
  auto causal = plain;
  causal.causal = 1;
  auto dropped = biased;
  dropped.dropout_rate = 0.3;
  return {sample("plain", {q, k, v}, plain),
          sample("bias", {q, k, v, sample_values({2, 1, 3, 5}, 0.4)}, biased),
          sample("causal", {q, k, v}, causal),
          sample("bias and dropout", {q, k, v, sample_values({1, 2, 1, 5}, 0.4), sample_random_state()},
                 dropped)};
}

}  // namespace

KERAS_OP_RULE(attention, .infer = infer_attention, .vjp = attention_vjp, .decompose = decompose_attention,
              .samples = attention_samples);
KERAS_OP_RULE(attention_grad, .infer = infer_attention_grad, .decompose = decompose_attention_grad);

}  // namespace keras::internal
