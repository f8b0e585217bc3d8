// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/multi_head_attention.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/operators.h"
#include "nn/attention_heads.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(MultiHeadAttention);

namespace {

bool same_positions(const Shape& value, const Shape& key) {
  if (value.rank() != key.rank()) return false;
  for (int i = 1; i + 1 < value.rank(); ++i) {
    const Dim a = value.dim(i), b = key.dim(i);
    if (a.known() && b.known() && !(a == b)) return false;
  }
  return true;
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(MultiHeadAttentionOptions options)
    : BaseHeadAttention(std::move(options), std::make_shared<internal::AttentionHeads>()) {
  internal::check_attention_options(kClassName,
                                    {{"num_heads", options_.num_heads},
                                     {"key_dim", options_.key_dim},
                                     {"value_dim", options_.value_dim.value_or(1)}},
                                    options_.sliding_window, options_.dropout, options_.flash_attention);
  if (!options_.value_dim) options_.value_dim = options_.key_dim;
  for (auto* tuple : {&options_.output_shape, &options_.attention_axes}) {
    if (*tuple && (*tuple)->scalar()) *tuple = IntTuple({(**tuple)[0]});
  }
  set_supports_masking();
}

MultiHeadAttention::MultiHeadAttention(int64_t num_heads, int64_t key_dim, MultiHeadAttentionOptions options)
    : MultiHeadAttention([&] {
        options.num_heads = num_heads;
        options.key_dim = key_dim;
        return std::move(options);
      }()) {}

void MultiHeadAttention::build_nest(const std::vector<Shape>& input_shapes) {
  internal::require_attention_inputs(name(), input_shapes.size());
  const Shape &query = input_shapes[0], &value = input_shapes[1], &key = input_shapes.back();
  if (!same_positions(value, key)) {
    internal::fail<ValueError>(
        {name(), "value and key must agree in all axes between the first and the last",
         fmt::format("value.shape={}, key.shape={}", value.to_string(), key.to_string()), ""});
  }
  const int64_t key_dim = options_.key_dim, value_dim = *options_.value_dim;
  const auto projection = [&](const char* child, const Shape& shape, int bound, const IntTuple& last,
                              const char* activation = nullptr) {
    const auto [equation, bias_axes, rank] =
        internal::projection_equation(shape.rank() - bound, bound, static_cast<int>(last.size()));
    auto options = internal::projection_options(options_, dtype_policy(), child);
    if (options_.use_bias) options.bias_axes = bias_axes;
    if (activation != nullptr) options.activation = activation;
    SmallVector<int64_t, 4> output;
    for (int i = 1; i + static_cast<int>(last.size()) < rank; ++i) output.push_back(-1);
    for (const int64_t d : last) output.push_back(d);
    auto dense = std::make_shared<EinsumDense>(equation, IntTuple(std::move(output)), std::move(options));
    dense->ensure_built({shape});
    return dense;
  };
  const IntTuple key_heads{options_.num_heads, key_dim}, value_heads{options_.num_heads, value_dim};
  auto& heads = *heads_;
  heads.query = projection("query", query, 1, key_heads);
  heads.key = projection("key", key, 1, key_heads);
  if (options_.use_gate) heads.gate = projection("gate", query, 1, value_heads, "sigmoid");
  heads.value = projection("value", value, 1, value_heads);

  const int rank = value.rank() + 1;
  if (options_.attention_axes) {
    for (const int64_t axis : *options_.attention_axes) {
      const int64_t at = axis < 0 ? axis + rank - 1 : axis;
      if (at < 0 || at >= rank - 1) {
        internal::fail<ValueError>({name(), "attention_axes must be axes of the inputs",
                                    fmt::format("axis {}, value {}", axis, value.to_string()), ""});
      }
      heads.axes.push_back(at);
    }
  } else {
    for (int i = 1; i < rank - 2; ++i) heads.axes.push_back(i);
  }
  internal::set_attention_equations(heads, rank);
  heads.scale = internal::scores_scale(key_dim);
  std::vector<int64_t> last_axes;  // of the scores
  for (auto i = static_cast<int64_t>(heads.axes.size()); i > 0; --i) last_axes.push_back(-i);
  heads.softmax =
      std::make_shared<Softmax>(SoftmaxOptions{.axis = ops::Axis(last_axes), .dtype = dtype_policy()});
  heads.dropout = std::make_shared<Dropout>(
      DropoutOptions{.rate = options_.dropout, .seed = options_.seed, .dtype = dtype_policy()});
  heads.softmax->ensure_built({});
  heads.dropout->ensure_built({});

  Shape attended = query;
  attended[attended.size() - 1] = Dim(options_.num_heads);
  attended.push_back(Dim(value_dim));
  IntTuple last{query.back().known() ? query.back().value() : -1};
  if (options_.output_shape && !options_.output_shape->empty()) last = *options_.output_shape;
  heads.output = projection("attention_output", attended, 2, last);
}

Nest MultiHeadAttention::call_nest(const Nest& inputs, const CallArgs& args) {
  internal::AttentionCall call;
  call.inputs = internal::attention_inputs(name(), inputs);
  // As in Keras, the query's mask is the one that travels with it, and the inputs lose theirs.
  const Tensor query_mask = call.inputs.query.mask();
  for (const Tensor* t : {&call.inputs.query, &call.inputs.value, &call.inputs.key}) t->set_mask({});
  call.masks = {query_mask,
                internal::attention_mask_at(args.mask, 1),
                internal::attention_mask_at(args.mask, 2),
                args.attention_mask,
                args.use_causal_mask,
                options_.sliding_window};
  call.flash_attention = options_.flash_attention;
  call.scores = args.return_attention_scores;
  call.training = args.training.value_or(false);
  Nest out = internal::attend(*heads_, call);
  if (query_mask.defined()) (call.scores ? out[0] : out).tensor().set_mask(query_mask);
  return out;
}

Nest MultiHeadAttention::compute_mask(const Nest& inputs, const Nest&) {
  // call_nest took the mask off unless the call was symbolic.
  const Tensor mask = inputs[0].tensor().mask();
  return mask.defined() ? Nest{mask} : Nest();
}

Json MultiHeadAttention::get_config() const {
  Json config = ConfiguredLayer::get_config();
  config.erase("flash_attention");
  // Keras writes the axes that build found.
  if (built()) config.set("attention_axes", Json::List(heads_->axes.begin(), heads_->axes.end()));
  return config;
}

void MultiHeadAttention::visit_attributes(internal::AttributeVisitor& visitor) const {
  internal::visit_heads(visitor, *heads_, "");
}

}  // namespace keras::layers
