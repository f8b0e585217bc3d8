// SPDX-License-Identifier: Apache-2.0
// linear, conv: a matrix product or a convolution takes the bias and the activation behind it along, which
// then happen while the product's rows are in cache.
#include "compile/match.h"
#include "compile/passes/activation_patterns.h"
#include "compile/passes/list.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;
constexpr Value kNone = Rewriter::kNone;

// activation(x w + b), in the shape that the program has it.
struct Linear {
  std::vector<Value> operands;  // x (..., k), w (k, n), perhaps b (n); to be reshaped to that
  Shape lead;                   // x without what is contracted
  Shape columns;                // the result without `lead`
  ActivationAttributes attributes;
};

// A product over the last axes of x and the first of w is one of matrices.
std::optional<Linear> as_matrix_product(const Rewriter& rewriter, const Graph::Node& node) {
  const auto& at = attributes_of<DotAttributes>(node);
  const Shape& x = rewriter.type(node.inputs[0]).shape;
  const Shape& w = rewriter.type(node.inputs[1]).shape;
  const auto contracted = static_cast<size_t>(at.lhs_contract.count);
  if (at.lhs_batch.count != 0 || contracted < 1 || contracted >= w.size() ||
      !is_float(rewriter.type(node.inputs[0]).dtype)) {
    return std::nullopt;
  }
  const size_t lead = x.size() - contracted;
  for (size_t i = 0; i < contracted; ++i) {
    if (at.lhs_contract.v[i] != static_cast<int64_t>(lead + i) ||
        at.rhs_contract.v[i] != static_cast<int64_t>(i))
      return std::nullopt;
  }
  if (w.rank() != 2 && (!w.known() || !x.sub(lead).known())) return std::nullopt;
  return Linear{node.inputs, x.sub(0, lead), w.sub(contracted), make_attributes<ActivationAttributes>()};
}

// The value as a product without activation that nothing else reads.
std::optional<Linear> as_linear(const Rewriter& rewriter, Value v, int readers) {
  const Shape& whole = rewriter.type(v).shape;
  if (const auto* dot = sole_maker(rewriter, v, OpId::dot_general_op, readers))
    return as_matrix_product(rewriter, *dot);
  if (const auto* reshape = sole_maker(rewriter, v, OpId::reshape_op, readers)) {
    v = reshape->inputs[0];
    readers = 1;
  }
  const auto* linear = sole_maker(rewriter, v, OpId::linear_op, readers);
  if (linear == nullptr) return std::nullopt;
  const auto& at = attributes_of<ActivationAttributes>(*linear);
  const Shape& x = rewriter.type(linear->inputs[0]).shape;
  const size_t lead = x.size() - 1;
  if (at.activation != KERAS_ACT_LINEAR || whole.size() <= lead || !(whole.sub(0, lead) == x.sub(0, lead)))
    return std::nullopt;
  return Linear{linear->inputs, x.sub(0, lead), whole.sub(lead), at};
}

Value reshaped(Rewriter& rewriter, Value v, const Shape& shape) {
  if (rewriter.type(v).shape == shape) return v;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(shape);
  return rewriter.add(OpId::reshape_op, attributes, {v});
}

Value build(Rewriter& rewriter, const Linear& linear) {
  std::vector<Value> operands = linear.operands;
  const Shape result = linear.lead + linear.columns;
  if (linear.columns.rank() != 1 || rewriter.type(operands[0]).shape.size() != linear.lead.size() + 1) {
    const Dim n = element_count(linear.columns);
    const Dim k = element_count(rewriter.type(operands[1]).shape) / n;
    operands[0] = reshaped(rewriter, operands[0], linear.lead + Shape{k});
    operands[1] = reshaped(rewriter, operands[1], {k, n});
  }
  return reshaped(rewriter, rewriter.add(OpId::linear_op, linear.attributes, operands), result);
}

Value with_bias(Rewriter& rewriter, Value product, Value bias) {
  auto linear = as_linear(rewriter, product, 1);
  if (!linear || linear->operands.size() != 2) return kNone;
  const Value b = parameter_along(rewriter, bias, linear->columns, {element_count(linear->columns)});
  if (b == kNone) return kNone;
  linear->operands.push_back(b);
  return build(rewriter, *linear);
}

struct Convolution {
  Value x, kernel, bias;  // kNone without bias
  ConvActivationAttributes attributes;
};

std::optional<Convolution> as_convolution(const Rewriter& rewriter, Value v, int readers) {
  if (const auto* conv = sole_maker(rewriter, v, OpId::conv_op, readers)) {
    const auto at = with_activation(attributes_of<ConvAttributes>(*conv));
    return Convolution{conv->inputs[0], conv->inputs[1], kNone, at};
  }
  if (const auto* conv = sole_maker(rewriter, v, OpId::conv_bias_act_op, readers)) {
    const auto& at = attributes_of<ConvActivationAttributes>(*conv);
    if (at.activation == KERAS_ACT_LINEAR)
      return Convolution{conv->inputs[0], conv->inputs[1], conv->inputs[2], at};
  }
  return std::nullopt;
}

Value conv_with_bias(Rewriter& rewriter, Value product, Value bias) {
  auto conv = as_convolution(rewriter, product, 1);
  if (!conv || conv->bias != kNone || !is_float(rewriter.type(product).dtype)) return kNone;
  const Shape channels = {rewriter.type(product).shape.back()};
  const Value b = parameter_along(rewriter, bias, channels, channels);
  if (b == kNone) return kNone;
  return rewriter.add(OpId::conv_bias_act_op, conv->attributes, {conv->x, conv->kernel, b});
}

Value linear_with_activation(Rewriter& rewriter, const Activated& act) {
  auto linear = as_linear(rewriter, act.z, act.readers);
  if (!linear) return kNone;
  linear->attributes.activation = act.activation;
  linear->attributes.alpha = act.alpha;
  return build(rewriter, *linear);
}

Value conv_with_activation(Rewriter& rewriter, const Activated& act) {
  auto conv = as_convolution(rewriter, act.z, act.readers);
  if (!conv || conv->bias == kNone) return kNone;
  conv->attributes.activation = act.activation;
  conv->attributes.alpha = act.alpha;
  return rewriter.add(OpId::conv_bias_act_op, conv->attributes, {conv->x, conv->kernel, conv->bias});
}

// min(relu(z), 6), where relu has gone into the product already.
Value capped(Rewriter& rewriter, const Graph::Node& node) {
  const auto parts = with_number(rewriter, node);
  if (!parts || parts->second != 6.0) return kNone;
  const Graph::Node* product = rewriter.maker(parts->first);
  if (product == nullptr || rewriter.readers(parts->first) != 1) return kNone;
  const bool linear = product->op == OpId::linear_op;
  if (!linear && product->op != OpId::conv_bias_act_op) return kNone;
  std::vector<uint8_t> attributes = product->attributes;
  auto& activation = linear ? reinterpret_cast<ActivationAttributes*>(attributes.data())->activation
                            : reinterpret_cast<ConvActivationAttributes*>(attributes.data())->activation;
  if (activation != KERAS_ACT_RELU) return kNone;
  activation = KERAS_ACT_RELU6;
  const std::vector<Value> operands = product->inputs;
  return rewriter.add(product->op, attributes.data(), operands);
}

using Biased = Value (*)(Rewriter&, Value, Value);
using WithActivation = Value (*)(Rewriter&, const Activated&);

void join(Graph& graph, Biased biased, WithActivation with_activation) {
  Rewriter rewriter(graph);
  while (const Graph::Node* node = rewriter.next()) {
    Value found = kNone;
    if (node->op == OpId::add_op) {
      found = biased(rewriter, node->inputs[0], node->inputs[1]);
      if (found == kNone) found = biased(rewriter, node->inputs[1], node->inputs[0]);
    }
    if (node->op == OpId::minimum_op) found = capped(rewriter, *node);
    if (found == kNone) {
      if (const auto act = as_activation(rewriter, *node)) found = with_activation(rewriter, *act);
    }
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace

void rewrite_linear(Graph& graph, const PassContext&) { join(graph, with_bias, linear_with_activation); }

void rewrite_conv(Graph& graph, const PassContext&) { join(graph, conv_with_bias, conv_with_activation); }

}  // namespace keras::internal
