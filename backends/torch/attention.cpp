// SPDX-License-Identifier: Apache-2.0
// attention and its gradient out of batched products and one softmax. Residual: the weights (B N, T, S).
#include <algorithm>
#include <limits>

#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

struct Attention {
  int64_t batch, heads, queries, keys;
  double scale;
  bool causal;
  std::vector<int64_t> bias;  // its shape, four axes; empty without one

  // (B, T, N, H) as (B N, T, H)
  static Tensor by_head(const Tensor& x) {
    return x.transpose(1, 2).reshape({x.size(0) * x.size(2), x.size(1), x.size(3)});
  }
  Tensor by_position(const Tensor& x) const {
    return x.view({batch, heads, x.size(1), x.size(2)}).transpose(1, 2);
  }
  // The smallest operand takes the scale.
  Tensor scaled(const Tensor& x) const { return scale == 1 ? x : at::mul(x, scale); }

  Values forward(const Values& in, bool keep) const {
    Tensor scores = at::bmm(scaled(by_head(in[0])), by_head(in[1]).transpose(1, 2));
    if (!bias.empty()) scores.view({batch, heads, queries, keys}).add_(in[3].reshape(bias));
    if (causal) {
      const Tensor later = at::ones({queries, keys}, scores.options().dtype(at::kBool)).triu(1);
      scores.masked_fill_(later, -std::numeric_limits<double>::infinity());
    }
    at::_softmax_out(scores, scores, -1, false);
    const Tensor y = by_position(at::bmm(scores, by_head(in[2])));
    return keep ? Values{y, scores} : Values{y};
  }

  Values backward(const Values& in) const {
    const size_t after = bias.empty() ? 3 : 4;  // y, dy, weights
    const Tensor dy = by_head(in[after + 1]);
    const Tensor& weights = in[after + 2];
    const Tensor dv = at::bmm(weights.transpose(1, 2), dy);
    Tensor dscores = at::bmm(dy, by_head(in[2]).transpose(1, 2));
    at::_softmax_backward_data_out(dscores, dscores, weights, -1, weights.scalar_type());
    const Tensor dq = at::bmm(dscores, scaled(by_head(in[1])));
    const Tensor dk = at::bmm(dscores.transpose(1, 2), scaled(by_head(in[0])));
    Values out{by_position(dq), by_position(dk), by_position(dv)};
    if (bias.empty()) return out;
    std::vector<int64_t> axes;
    const Tensor dbias = dscores.view({batch, heads, queries, keys});
    for (int64_t axis = 0; axis < 4; ++axis) {
      if (bias[static_cast<size_t>(axis)] == 1 && dbias.size(axis) != 1) axes.push_back(axis);
    }
    out.push_back(axes.empty() ? dbias : at::sum(dbias, axes, true));
    return out;
  }
};

// Fills in what to compute, or gives the reason why not.
std::string plan(const Call& call, Attention& a) {
  const auto& at = call.attributes<AttentionAttributes>();
  const keras_desc &q = call.input(0), &k = call.input(1);
  if (!is_float(q.dtype) || is_half(q.dtype)) return "attention is for floats";
  if (at.dropout_rate > 0) return "weights with dropout go op by op, with the random words of every backend";
  a = {q.shape[0], q.shape[2], q.shape[1], k.shape[1], at.scale, at.causal != 0, {}};
  if (a.batch * a.heads * a.queries * a.keys * q.shape[3] * call.input(2).shape[3] == 0)
    return "an operand has no elements";
  if (a.causal && a.queries != a.keys) return "a causal mask is for as many keys as queries here";
  if (at.has_bias != 0) {
    const keras_desc& bias = call.input(3);
    a.bias.assign(4, 1);
    std::copy_backward(bias.shape, bias.shape + bias.rank, a.bias.end());
  }
  return "";
}

Answer attention(const Call& call) {
  Attention a;
  const std::string why = plan(call, a);
  if (!why.empty()) return Answer::no(why);
  const bool keep = call.wants_residuals();
  return {[a, keep](const Values& in) { return a.forward(in, keep); }, keep ? 1 : 0};
}

Answer attention_grad(const Call& call) {
  Attention a;
  const std::string why = plan(call, a);
  if (!why.empty()) return Answer::no(why);
  return [a](const Values& in) { return a.backward(in); };
}

const bool registered =
    register_op("attention", attention, kWiden) && register_op("attention_grad", attention_grad, kWiden);

}  // namespace
}  // namespace keras::aten
