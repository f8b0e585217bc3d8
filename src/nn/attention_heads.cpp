// SPDX-License-Identifier: Apache-2.0
#include "nn/attention_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "keras/base/error.h"
#include "keras/nn/layers/head_attention.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "ops/attention_mask.h"
#include "ops/fused.h"

namespace keras::internal {

namespace {

Tensor conjunction(const Tensor& a, const Tensor& b) { return a.defined() ? ops::logical_and(a, b) : b; }

// The mask with axes of size 1 for the heads, and for what else the scores have before the attention axes.
Tensor for_heads(Tensor mask, int scores_rank, size_t attention_axes) {
  if (mask.rank() > scores_rank) {
    fail<ValueError>({"attention", fmt::format("The mask must have at most {} axes", scores_rank),
                      mask.shape().to_string(), ""});
  }
  const int place = -2 * static_cast<int>(attention_axes) - 1;
  while (mask.rank() < scores_rank) {
    mask = ops::expand_dims(mask, std::max(place, -mask.rank() - 1));
  }
  return mask;
}

// (batch, T, S) or broadcasting to it; undefined when there is no mask.
Tensor joined(const AttentionInputs& inputs, const AttentionMasks& masks) {
  const auto boolean = [](const Tensor& m) { return ops::cast(m, DType::bool_); };
  Tensor all;
  if (masks.query.defined()) all = ops::expand_dims(boolean(masks.query), -1);
  if (masks.value.defined()) all = conjunction(all, ops::expand_dims(boolean(masks.value), -2));
  if (masks.key.defined()) all = conjunction(all, ops::expand_dims(boolean(masks.key), -2));
  if (masks.causal) all = conjunction(all, causal_mask(inputs.query, inputs.value, 1));
  if (masks.sliding_window) {
    const Tensor row = ops::expand_dims(positions(inputs.query, 1), 2);
    const Tensor column = ops::expand_dims(positions(inputs.value, 1), 1);
    all = conjunction(all,
                      ops::less(ops::abs(row - column), Tensor(static_cast<int32_t>(*masks.sliding_window))));
  }
  if (!masks.attention.defined()) return all;
  const Tensor given = boolean(masks.attention);
  return all.defined() ? ops::logical_and(given, all) : given;
}

bool only_causal(const AttentionMasks& m) {
  return m.causal && !m.query.defined() && !m.value.defined() && !m.key.defined() && !m.attention.defined() &&
         !m.sliding_window;
}

// Projected query, key and value, what counts, and how. With `causal` there is no mask.
struct Projected {
  Tensor query, key, value, mask;
  bool causal = false;
};

// The output through the fused op, undefined where that is another function or has not all that is wanted.
Tensor fused_output(const AttentionHeads& heads, const Projected& p, const AttentionCall& call) {
  if (p.query.rank() != 4 || call.scores) return {};
  const double rate = heads.dropout->options().rate;
  if (rate == 0) {
    const Tensor mask = p.mask.defined() ? for_heads(p.mask, 4, heads.axes.size()) : Tensor();
    return ops::dot_product_attention(p.query, p.key, p.value, {}, mask, heads.scale, p.causal,
                                      call.flash_attention);
  }
  // With dropout Keras gives positions that see nothing zero instead of the mean.
  const DType dtype = p.query.dtype();
  if (p.mask.defined() || rate >= 1 || call.group != 1 || p.key.dtype() != dtype || p.value.dtype() != dtype)
    return {};
  fused::AttentionArguments arguments;
  arguments.scale = heads.scale;
  arguments.causal = p.causal;
  Tensor state;
  if (call.training) {
    arguments.dropout_rate = rate;
    state = heads.dropout->core().seed_generators.front().second->next();
  }
  return fused::attention(p.query, p.key, p.value, {}, state, arguments);
}

// Output and scores, step by step.
std::pair<Tensor, Tensor> composed_output(const AttentionHeads& heads, const Projected& p,
                                          const AttentionCall& call) {
  const auto grouped = [&](const Tensor& t) { return call.group == 1 ? t : ops::repeat(t, call.group, 2); };
  const Tensor scaled = p.query * ops::cast(Tensor(heads.scale), p.query.dtype());
  Tensor scores = ops::einsum(heads.scores_equation, {grouped(p.key), scaled});
  const Tensor mask = p.causal ? causal_mask(p.query, p.value, 1) : p.mask;
  CallArgs masked;
  if (mask.defined()) masked.mask = for_heads(mask, scores.rank(), heads.axes.size());
  scores = (*heads.softmax)(scores, masked);
  Tensor weights = scores;
  if (heads.dropout->options().rate > 0) weights = (*heads.dropout)(scores, {.training = call.training});
  return {ops::einsum(heads.combined_equation, {weights, grouped(p.value)}), scores};
}

}  // namespace

Nest attend(const AttentionHeads& heads, const AttentionCall& call) {
  if (call.flash_attention.value_or(false) && call.scores) {
    fail<ValueError>({"attention", "Flash attention gives no scores",
                      "flash_attention=true and return_attention_scores=true",
                      "leave flash_attention unset"});
  }
  Projected p;
  p.causal = only_causal(call.masks);
  if (!p.causal) p.mask = joined(call.inputs, call.masks);
  const Tensor gate = heads.gate ? (*heads.gate)(call.inputs.query) : Tensor();
  p.query = (*heads.query)(call.inputs.query);
  p.key = (*heads.key)(call.inputs.key);
  p.value = (*heads.value)(call.inputs.value);
  Tensor output = fused_output(heads, p, call), scores;
  if (!output.defined()) std::tie(output, scores) = composed_output(heads, p, call);
  if (gate.defined()) output = output * gate;
  output = (*heads.output)(output);
  if (call.scores) return Nest{output, scores};
  return output;
}

ProjectionEquation projection_equation(int free, int bound, int outputs) {
  ProjectionEquation out;
  std::string input, kernel, output;
  char letter = 'a';
  for (int i = 0; i < free; ++i, ++letter) {
    input += letter;
    output += letter;
  }
  for (int i = 0; i < bound; ++i, ++letter) {
    input += letter;
    kernel += letter;
  }
  for (int i = 0; i < outputs; ++i, ++letter) {
    kernel += letter;
    output += letter;
    out.bias_axes += letter;
  }
  out.equation = input + "," + kernel + "->" + output;
  out.output_rank = free + outputs;
  return out;
}

void set_attention_equations(AttentionHeads& heads, int rank) {
  const auto is_attended = [&](int axis) {
    return std::find(heads.axes.begin(), heads.axes.end(), axis) != heads.axes.end();
  };
  // Letters of the query by axis, of the key likewise: new ones where they attend.
  std::string target, source;
  for (int i = 0; i < rank; ++i) target += static_cast<char>('a' + i);
  char next = static_cast<char>('a' + rank);
  for (int i = 0; i < rank; ++i)
    source += is_attended(i) && i != rank - 1 ? next++ : target[static_cast<size_t>(i)];
  std::string product;
  for (int i = 0; i < rank - 1; ++i) {
    if (!is_attended(i)) product += target[static_cast<size_t>(i)];
  }
  for (const int64_t axis : heads.axes) product += target[static_cast<size_t>(axis)];
  for (const int64_t axis : heads.axes) product += source[static_cast<size_t>(axis)];
  heads.scores_equation = source + "," + target + "->" + product;
  heads.combined_equation = product + "," + source + "->" + target;
}

void check_attention_options(const char* where, std::initializer_list<std::pair<const char*, int64_t>> sizes,
                             std::optional<int64_t> sliding_window, double dropout,
                             std::optional<bool> flash_attention) {
  const auto positive = [where](const char* what, int64_t value) {
    if (value > 0) return;
    fail<ValueError>(
        {where, fmt::format("{} must be positive", what), fmt::format("{}={}", what, value), ""});
  };
  for (const auto& [what, value] : sizes) positive(what, value);
  if (sliding_window) positive("sliding_window", *sliding_window);
  if (!(dropout >= 0 && dropout <= 1)) {
    fail<ValueError>({where, "dropout must be between 0 and 1", fmt::format("dropout={}", dropout), ""});
  }
  if (flash_attention.value_or(false) && dropout > 0) {
    fail<ValueError>({where, "Flash attention has no dropout", fmt::format("dropout={}", dropout),
                      "set dropout to 0 or leave flash_attention unset"});
  }
}

double scores_scale(int64_t width) {
  return static_cast<double>(static_cast<float>(1 / std::sqrt(static_cast<double>(width))));
}

Tensor attention_output(Layer& layer, const Nest& inputs, const CallArgs& args) {
  const Nest out = layer(inputs, args);
  if (out.is_leaf()) return out.tensor();
  fail<ValueError>({layer.name(), "The call gives an output and scores", "return_attention_scores=true",
                    "call with_scores(query, value) instead"});
}

std::pair<Tensor, Tensor> attention_output_and_scores(Layer& layer, const Nest& inputs, CallArgs args) {
  args.return_attention_scores = true;
  const Nest out = layer(inputs, args);
  return {out[0], out[1]};
}

void require_attention_inputs(const std::string& where, size_t count) {
  if (count == 2 || count == 3) return;
  fail<ValueError>({where, "The layer takes query, value and, if it is another, key",
                    fmt::format("{} inputs", count), "call it as layer(query, value)"});
}

AttentionInputs attention_inputs(const std::string& where, const Nest& inputs) {
  require_attention_inputs(where, inputs.is_list() ? inputs.size() : 1);
  return {inputs[0], inputs[1], inputs[inputs.size() - 1]};
}

Tensor attention_mask_at(const Nest& masks, size_t i) {
  return masks.is_list() && i < masks.size() && masks[i].is_leaf() ? masks[i].tensor() : Tensor();
}

WithoutMasks::WithoutMasks(const AttentionInputs& inputs) {
  for (const Tensor* t : {&inputs.query, &inputs.value, &inputs.key}) {
    if (const Tensor mask = t->mask(); mask.defined()) {
      masks_.emplace_back(*t, mask);
      t->set_mask({});
    }
  }
}

WithoutMasks::~WithoutMasks() {
  for (const auto& [tensor, mask] : masks_) tensor.set_mask(mask);
}

void visit_heads(AttributeVisitor& visitor, const AttentionHeads& heads, const std::string& prefix) {
  if (!heads.output) return;
  const auto visit = [&](const std::string& attribute, const std::shared_ptr<Layer>& layer) {
    if (layer) visitor.layer(attribute, LayerHandle(layer));
  };
  visit(prefix + "query_dense", heads.query);
  visit(prefix + "key_dense", heads.key);
  visit("_gate_dense", heads.gate);
  visit(prefix + "value_dense", heads.value);
  visit("_softmax", heads.softmax);
  visit("_dropout_layer", heads.dropout);
  visit(prefix + "output_dense", heads.output);
}

}  // namespace keras::internal
