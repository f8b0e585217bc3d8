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

// x (..., k) times a matrix (k, n): what linear computes.
bool is_matrix_product(const Rewriter& rewriter, const Graph::Node& node) {
  const auto& at = attributes_of<DotAttributes>(node);
  const Shape& x = rewriter.type(node.inputs[0]).shape;
  const Shape& w = rewriter.type(node.inputs[1]).shape;
  return at.lhs_batch.count == 0 && at.lhs_contract.count == 1 && at.lhs_contract.v[0] == x.rank() - 1 &&
         at.rhs_contract.v[0] == 0 && w.rank() == 2 && x.rank() >= 1 &&
         is_float(rewriter.type(node.inputs[0]).dtype);
}

struct Linear {
  std::vector<Value> operands;  // x, w, perhaps b
  ActivationAttributes attributes;
};

// The value as a product without activation that nothing else reads.
std::optional<Linear> as_linear(const Rewriter& rewriter, Value v, int readers) {
  const auto plain = make_attributes<ActivationAttributes>();
  if (const auto* dot = sole_maker(rewriter, v, OpId::dot_general_op, readers)) {
    if (is_matrix_product(rewriter, *dot)) return Linear{dot->inputs, plain};
  } else if (const auto* linear = sole_maker(rewriter, v, OpId::linear_op, readers)) {
    const auto& at = attributes_of<ActivationAttributes>(*linear);
    if (at.activation == KERAS_ACT_LINEAR) return Linear{linear->inputs, at};
  }
  return std::nullopt;
}

Value with_bias(Rewriter& rewriter, Value product, Value bias) {
  auto linear = as_linear(rewriter, product, 1);
  if (!linear || linear->operands.size() != 2) return kNone;
  const Value b = row_vector(rewriter, bias, rewriter.type(product).shape.back());
  if (b == kNone) return kNone;
  linear->operands.push_back(b);
  return rewriter.add(OpId::linear_op, linear->attributes, linear->operands);
}

struct Convolution {
  Value x, kernel, bias;  // kNone without bias
  ConvActivationAttributes attributes;
};

std::optional<Convolution> as_convolution(const Rewriter& rewriter, Value v, int readers) {
  if (const auto* conv = sole_maker(rewriter, v, OpId::conv_op, readers)) {
    const auto& from = attributes_of<ConvAttributes>(*conv);
    auto at = make_attributes<ConvActivationAttributes>();
    at.strides = from.strides;
    at.pad_low = from.pad_low;
    at.pad_high = from.pad_high;
    at.dilations = from.dilations;
    at.groups = from.groups;
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
  const Value b = row_vector(rewriter, bias, rewriter.type(product).shape.back());
  if (b == kNone) return kNone;
  return rewriter.add(OpId::conv_bias_act_op, conv->attributes, {conv->x, conv->kernel, b});
}

Value linear_with_activation(Rewriter& rewriter, const Activated& act) {
  auto linear = as_linear(rewriter, act.z, act.readers);
  if (!linear) return kNone;
  linear->attributes.activation = act.activation;
  linear->attributes.alpha = act.alpha;
  return rewriter.add(OpId::linear_op, linear->attributes, linear->operands);
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
