// SPDX-License-Identifier: Apache-2.0
// norm: layer_norm and rms_norm from means, differences and roots, over the last axes. First without gamma
// and beta (ones and zeros stand for them), then a product or sum behind it takes their place.
#include "compile/match.h"
#include "compile/passes/list.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;
constexpr Value kNone = Rewriter::kNone;

// variance + epsilon
struct Widened {
  Value variance;
  double epsilon;
};

std::optional<Widened> as_widened(const Rewriter& rewriter, Value v) {
  const auto* add = sole_maker(rewriter, v, OpId::add_op);
  const auto parts = add == nullptr ? std::nullopt : with_number(rewriter, *add);
  if (!parts || !(parts->second >= 0)) return std::nullopt;
  return Widened{parts->first, parts->second};
}

// x / sqrt(mean(x^2) + epsilon), in either of its spellings.
struct Scaled {
  Value x;
  NormAttributes attributes;
};

std::optional<Scaled> as_scaled(const Rewriter& rewriter, const Graph::Node& node) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Value x = node.inputs[i], other = node.inputs[1 - i];
    const Graph::Node* root = nullptr;
    if (node.op == OpId::mul_op) {
      root = sole_maker(rewriter, other, OpId::rsqrt_op);
    } else if (node.op == OpId::div_op && i == 0) {
      root = sole_maker(rewriter, other, OpId::sqrt_op);
    }
    if (root == nullptr || !(rewriter.type(x) == rewriter.type(node.outputs[0]))) continue;
    const auto widened = as_widened(rewriter, root->inputs[0]);
    const auto mean = widened ? as_mean(rewriter, widened->variance) : std::nullopt;
    if (!mean || mean->axes.keepdims == 0 || rewriter.readers(widened->variance) != 1) continue;
    const auto square = rewriter.readers(mean->of) == 1 ? as_square(rewriter, mean->of) : std::nullopt;
    if (!square || *square != x) continue;
    auto at = make_attributes<NormAttributes>();
    at.axes = mean->axes.axes;
    at.epsilon = widened->epsilon;
    return Scaled{x, at};
  }
  return std::nullopt;
}

// The last axes, in order.
bool are_last(const keras_list& axes, int rank) {
  for (int64_t i = 0; i < axes.count; ++i) {
    if (axes.v[i] != rank - axes.count + i) return false;
  }
  return axes.count > 0;
}

Value filled(Rewriter& rewriter, DType dtype, const Shape& shape, double value) {
  return rewriter.add(OpId::constant_op, uniform_attributes(dtype, shape, value), {});
}

// The normalized x: layer_norm where x is something minus its mean, else rms_norm.
Value normalized(Rewriter& rewriter, const Graph::Node& node) {
  const auto scaled = as_scaled(rewriter, node);
  if (!scaled || !is_wide_float(rewriter, scaled->x)) return kNone;
  const auto& axes = scaled->attributes.axes;
  const Shape shape = rewriter.type(scaled->x).shape;
  const DType dtype = rewriter.type(scaled->x).dtype;
  if (!are_last(axes, shape.rank())) return kNone;
  const Shape vector = shape.sub(shape.size() - static_cast<size_t>(axes.count));
  if (!vector.known()) return kNone;
  // The square reads it twice (or once, as a power), the quotient once.
  const auto* centered = rewriter.maker(scaled->x, OpId::sub_op);
  if (centered != nullptr && rewriter.readers(scaled->x) <= 3) {
    const Value from = centered->inputs[0];
    const auto mean = as_mean(rewriter, centered->inputs[1]);
    if (mean && mean->of == from && mean->axes.keepdims != 0 && same_list(mean->axes.axes, axes)) {
      const Value gamma = filled(rewriter, dtype, vector, 1), beta = filled(rewriter, dtype, vector, 0);
      return rewriter.add(OpId::layer_norm_op, scaled->attributes, {from, gamma, beta});
    }
  }
  const Value gamma = filled(rewriter, dtype, vector, 1);
  return rewriter.add(OpId::rms_norm_op, scaled->attributes, {scaled->x, gamma});
}

// norm(x) * gamma, norm(x) + beta
Value with_parameter(Rewriter& rewriter, const Graph::Node& node) {
  const bool product = node.op == OpId::mul_op;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Value y = node.inputs[i];
    const Graph::Node* norm = sole_maker(rewriter, y, OpId::layer_norm_op);
    if (norm == nullptr && product) norm = sole_maker(rewriter, y, OpId::rms_norm_op);
    if (norm == nullptr || norm->residuals != 0 || !is_wide_float(rewriter, y)) continue;
    const size_t place = product ? 1 : 2;
    if (!is_uniform(rewriter, norm->inputs[place], product ? 1.0 : 0.0)) continue;
    // (y + beta) * gamma is another thing.
    if (product && norm->inputs.size() == 3 && !is_uniform(rewriter, norm->inputs[2], 0.0)) continue;
    const auto at = attributes_of<NormAttributes>(*norm);
    std::vector<Value> operands = norm->inputs;
    const OpId op = norm->op;
    const Shape shape = rewriter.type(operands[1]).shape;
    const Value vector = parameter_along(rewriter, node.inputs[1 - i], shape, shape);
    if (vector == kNone) continue;
    operands[place] = vector;
    return rewriter.add(op, at, operands);
  }
  return kNone;
}

}  // namespace

void rewrite_norm(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  while (const Graph::Node* node = rewriter.next()) {
    Value found = kNone;
    if (node->op == OpId::mul_op || node->op == OpId::div_op) found = normalized(rewriter, *node);
    if (found == kNone && (node->op == OpId::mul_op || node->op == OpId::add_op))
      found = with_parameter(rewriter, *node);
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
