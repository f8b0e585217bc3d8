// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/group_query_attention.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/operators.h"
#include "nn/attention_heads.h"

namespace keras::layers {

[[maybe_unused]] static const bool keras_registered_GroupQueryAttention =
    ::keras::internal::register_configured<GroupQueryAttention, ::keras::Layer>("keras.layers",
                                                                                {"GroupedQueryAttention"});

GroupQueryAttention::GroupQueryAttention(GroupQueryAttentionOptions options)
    : BaseHeadAttention(std::move(options), std::make_shared<internal::AttentionHeads>()) {
  const int64_t queries = options_.num_query_heads, shared = options_.num_key_value_heads;
  internal::check_attention_options(
      kClassName,
      {{"head_dim", options_.head_dim}, {"num_query_heads", queries}, {"num_key_value_heads", shared}},
      options_.sliding_window, options_.dropout, options_.flash_attention);
  if (queries % shared != 0) {
    internal::fail<ValueError>({kClassName, "num_query_heads must be a multiple of num_key_value_heads",
                                fmt::format("{} and {}", queries, shared), ""});
  }
  core().activity_regularizer = options_.activity_regularizer;
  set_supports_masking();
}

GroupQueryAttention::GroupQueryAttention(int64_t head_dim, int64_t num_query_heads,
                                         int64_t num_key_value_heads, GroupQueryAttentionOptions options)
    : GroupQueryAttention([&] {
        options.head_dim = head_dim;
        options.num_query_heads = num_query_heads;
        options.num_key_value_heads = num_key_value_heads;
        return std::move(options);
      }()) {}

void GroupQueryAttention::build_nest(const std::vector<Shape>& input_shapes) {
  internal::require_attention_inputs(name(), input_shapes.size());
  const Shape &query = input_shapes[0], &value = input_shapes[1], &key = input_shapes.back();
  for (const Shape& shape : input_shapes) {
    if (shape.rank() == 3) continue;
    internal::fail<ValueError>({name(), "query, value and key must have rank 3: batch, positions, features",
                                fmt::format("query.shape={}, value.shape={}, key.shape={}", query.to_string(),
                                            value.to_string(), key.to_string()),
                                ""});
  }
  const int64_t dim = options_.head_dim, queries = options_.num_query_heads;
  const auto projection = [&](const char* child, const char* equation, const char* bias_axes,
                              const IntTuple& output, const Shape& shape, const char* activation = nullptr) {
    auto options = internal::projection_options(options_, dtype_policy(), child);
    if (options_.use_bias) options.bias_axes = bias_axes;
    if (activation != nullptr) options.activation = activation;
    auto dense = std::make_shared<EinsumDense>(equation, output, std::move(options));
    dense->ensure_built({shape});
    return dense;
  };
  const IntTuple own{-1, queries, dim}, shared{-1, options_.num_key_value_heads, dim};
  auto& heads = *heads_;
  heads.query = projection("query", "bqm,muh->bquh", "uh", own, query);
  heads.key = projection("key", "bkm,mvh->bkvh", "vh", shared, key);
  if (options_.use_gate) heads.gate = projection("gate", "bqm,muh->bquh", "uh", own, query, "sigmoid");
  heads.value = projection("value", "bkm,mvh->bkvh", "vh", shared, value);
  heads.axes = {1};
  internal::set_attention_equations(heads, 4);
  heads.scale = internal::scores_scale(dim);
  heads.softmax = std::make_shared<Softmax>(SoftmaxOptions{.axis = -1, .dtype = dtype_policy()});
  heads.dropout = std::make_shared<Dropout>(
      DropoutOptions{.rate = options_.dropout, .seed = options_.seed, .dtype = dtype_policy()});
  heads.softmax->ensure_built({});
  heads.dropout->ensure_built({});
  const int64_t features = query.back().known() ? query.back().value() : -1;
  heads.output = projection("attention_output", "bquh,uhm->bqm", "m", IntTuple{-1, features},
                            Shape{query[0], query[1], Dim(queries), Dim(dim)});
}

Nest GroupQueryAttention::call_nest(const Nest& inputs, const CallArgs& args) {
  internal::AttentionCall call;
  call.inputs = internal::attention_inputs(name(), inputs);
  const internal::WithoutMasks unmasked(call.inputs);
  call.masks = {internal::attention_mask_at(args.mask, 0),
                internal::attention_mask_at(args.mask, 1),
                internal::attention_mask_at(args.mask, 2),
                args.attention_mask,
                args.use_causal_mask,
                options_.sliding_window};
  call.group = options_.num_query_heads / options_.num_key_value_heads;
  call.flash_attention = options_.flash_attention;
  call.scores = args.return_attention_scores;
  call.training = args.training.value_or(false);
  return internal::attend(*heads_, call);
}

Nest GroupQueryAttention::compute_mask(const Nest& inputs, const Nest&) {
  const Tensor mask = inputs[0].tensor().mask();
  return mask.defined() ? Nest{mask} : Nest();
}

Json GroupQueryAttention::get_config() const {
  Json config = ConfiguredLayer::get_config();
  config.erase("flash_attention");
  return config;
}

void GroupQueryAttention::visit_attributes(internal::AttributeVisitor& visitor) const {
  internal::visit_heads(visitor, *heads_, "_");
}

}  // namespace keras::layers
