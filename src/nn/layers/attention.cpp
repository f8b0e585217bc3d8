// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/attention.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/attention_heads.h"
#include "ops/attention_mask.h"
#include "ops/fused.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Attention);
KERAS_REGISTER_LAYER(AdditiveAttention);

namespace {

void require_two_or_three(const std::string& where, const char* what, size_t count) {
  if (count == 2 || count == 3) return;
  internal::fail<ValueError>(
      {where,
       fmt::format("The layer takes a list of two or three {}: query, value and, if it is another, key",
                   what),
       fmt::format("{}", count), "call it as layer({query, value})"});
}

// What is taken off the scores of positions that do not count.
double excluded(DType dtype) { return dtype == DType::float16 ? 65504.0 : 1e9; }

bool may_be_equal(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

// The fused op takes (batch, positions, heads, width): one head here.
bool fits_fused_op(const Tensor& query, const Tensor& key, const Tensor& value) {
  const DType dtype = query.dtype();
  return query.rank() == 3 && key.rank() == 3 && value.rank() == 3 && is_float(dtype) &&
         key.dtype() == dtype && value.dtype() == dtype && may_be_equal(query.dim(0), key.dim(0)) &&
         may_be_equal(query.dim(0), value.dim(0));
}

struct Weighting {
  Tensor mask;  ///< bool, broadcasts to the scores; undefined: every position counts
  double dropout = 0;
  const random::SeedGenerator* seed = nullptr;
};

Tensor fused(const Tensor& query, const Tensor& key, const Tensor& value, const Weighting& weighting,
             bool causal) {
  const auto heads = [](const Tensor& t) { return ops::expand_dims(t, 2); };
  internal::MaskedAttention masked{heads(query), {}};
  if (weighting.mask.defined()) {
    masked = internal::masked_attention("Attention", masked.query, {}, ops::expand_dims(weighting.mask, 1));
  }
  internal::fused::AttentionArguments arguments;
  arguments.causal = causal;
  arguments.dropout_rate = weighting.dropout;
  const Tensor state = weighting.dropout > 0 ? weighting.seed->next() : Tensor();
  return ops::squeeze(
      internal::fused::attention(masked.query, heads(key), heads(value), masked.bias, state, arguments), 2);
}

}  // namespace

template <class Derived, class OptionsType>
BaseAttention<Derived, OptionsType>::BaseAttention(OptionsType options)
    : ConfiguredLayer<Derived, OptionsType>(std::move(options)) {
  const double rate = this->options_.dropout;
  if (!(rate >= 0 && rate <= 1)) {
    internal::fail<ValueError>(
        {Derived::kClassName, "dropout must be between 0 and 1", fmt::format("dropout={}", rate), ""});
  }
  if (rate > 0) seed_generator_ = this->add_seed_generator(this->options_.seed);
  this->set_supports_masking();
}

template <class Derived, class OptionsType>
void BaseAttention<Derived, OptionsType>::build_nest(const std::vector<Shape>& input_shapes) {
  require_two_or_three(this->name(), "inputs", input_shapes.size());
  this->build(input_shapes.front());
}

template <class Derived, class OptionsType>
Nest BaseAttention<Derived, OptionsType>::call_nest(const Nest& inputs, const CallArgs& args) {
  if (!inputs.is_list()) {
    internal::fail<ValueError>({this->name(),
                                "The layer takes a list of inputs: query, value and, if it is another, key",
                                "", "call it as layer({query, value})"});
  }
  require_two_or_three(this->name(), "inputs", inputs.size());
  if (!args.mask.is_none()) {
    if (!args.mask.is_list()) {
      internal::fail<ValueError>(
          {this->name(), "The mask must be a list: those of query and value, either of which may be none", "",
           ""});
    }
    require_two_or_three(this->name(), "masks", args.mask.size());
  }
  const Tensor query = inputs[0], value = inputs[1];
  const Tensor key = inputs.size() > 2 ? inputs[2].tensor() : value;
  const auto& self = static_cast<const Derived&>(*this);

  Weighting weighting{internal::attention_mask_at(args.mask, 1), 0, seed_generator_.get()};
  if (args.training.value_or(false)) weighting.dropout = this->options_.dropout;
  if (weighting.mask.defined() && weighting.mask.rank() == 2)
    weighting.mask = ops::expand_dims(weighting.mask, -2);
  const bool causal_alone = args.use_causal_mask && !weighting.mask.defined();
  if (args.use_causal_mask && !causal_alone) {
    weighting.mask = ops::logical_and(weighting.mask, internal::causal_mask(query, value, -2));
  }

  Tensor output, weights;
  bool computed = false;
  if constexpr (std::is_same_v<Derived, Attention>) {
    if (!args.return_attention_scores && this->options_.score_mode == "dot" &&
        fits_fused_op(query, key, value) && weighting.dropout < 1) {
      const Tensor scaled = self.scale.defined() ? query * self.scale.value() : query;
      output = fused(scaled, key, value, weighting, causal_alone);
      computed = true;
    }
  }
  if (!computed) {
    if (causal_alone) weighting.mask = internal::causal_mask(query, value, -2);
    Tensor scores = self.scores(query, key);
    if (weighting.mask.defined()) {
      scores = ops::where(weighting.mask, scores,
                          scores - ops::cast(Tensor(excluded(scores.dtype())), scores.dtype()));
    }
    weights = ops::softmax(scores, -1);
    if (weighting.dropout > 0) weights = random::dropout(weights, weighting.dropout, {}, *weighting.seed);
    output = ops::matmul(weights, value);
  }
  if (const Tensor mask = internal::attention_mask_at(args.mask, 0); mask.defined()) {
    output = ops::where(ops::expand_dims(mask, -1), output, ops::zeros_like(output));
  }
  if (args.return_attention_scores) return Nest{output, weights};
  return output;
}

template <class Derived, class OptionsType>
Nest BaseAttention<Derived, OptionsType>::compute_mask(const Nest&, const Nest& previous_mask) {
  const Tensor query = internal::attention_mask_at(previous_mask, 0);
  // A list, so that the scores get none.
  return query.defined() ? Nest{query} : Nest();
}

template class BaseAttention<Attention, AttentionOptions>;
template class BaseAttention<AdditiveAttention, AdditiveAttentionOptions>;

Attention::Attention(AttentionOptions options) : BaseAttention(std::move(options)) {
  if (options_.score_mode != "dot" && options_.score_mode != "concat") {
    internal::fail<ValueError>({kClassName, "score_mode must be 'dot' or 'concat'",
                                fmt::format("score_mode='{}'", options_.score_mode), ""});
  }
}

void Attention::build(const Shape&) {
  if (options_.use_scale) add_weight(scale, "scale", {}, {.initializer = "ones"});
  if (options_.score_mode == "concat") {
    add_weight(concat_score_weight, "concat_score_weight", {}, {.initializer = "ones"});
  }
}

Tensor Attention::scores(const Tensor& query, const Tensor& key) const {
  if (options_.score_mode == "dot") {
    const Tensor products = ops::matmul(query, ops::swapaxes(key, -2, -1));
    return scale.defined() ? products * scale.value() : products;
  }
  Tensor sum = ops::expand_dims(query, -2) + ops::expand_dims(key, -3);
  if (scale.defined()) sum = scale.value() * sum;
  return concat_score_weight.value() * ops::sum(ops::tanh(sum), -1);
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options) : BaseAttention(std::move(options)) {}

void AdditiveAttention::build(const Shape& query_shape) {
  if (options_.use_scale) add_weight(scale, "scale", {query_shape.back()}, {.initializer = "glorot_uniform"});
}

Tensor AdditiveAttention::scores(const Tensor& query, const Tensor& key) const {
  const Tensor features = ops::tanh(ops::expand_dims(query, -2) + ops::expand_dims(key, -3));
  return ops::sum(scale.defined() ? scale.value() * features : features, -1);
}

}  // namespace keras::layers
