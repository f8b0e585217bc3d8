// SPDX-License-Identifier: Apache-2.0
#include "compile/match.h"

#include "compile/uniform.h"

namespace keras::internal {

using Value = Graph::Value;

const Graph::Node* sole_maker(const Rewriter& rewriter, Value v, OpId op, int readers) {
  return rewriter.readers(v) == readers ? rewriter.maker(v, op) : nullptr;
}

Value parameter_along(Rewriter& rewriter, Value v, const Shape& last, const Shape& wanted) {
  const auto is_laid = [&](const Shape& shape) {
    if (shape.size() < last.size()) return false;
    const size_t lead = shape.size() - last.size();
    for (size_t i = 0; i < lead; ++i) {
      if (!(shape[i] == Dim(1))) return false;
    }
    return shape.sub(lead) == last;
  };
  while (!is_laid(rewriter.type(v).shape)) {
    const Graph::Node* node = rewriter.maker(v, OpId::broadcast_to_op);
    if (node == nullptr) return Rewriter::kNone;
    v = node->inputs[0];
  }
  if (rewriter.type(v).shape == wanted) return v;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(wanted);
  return rewriter.add(OpId::reshape_op, attributes, {v});
}

std::optional<std::pair<Value, double>> with_number(const Rewriter& rewriter, const Graph::Node& node) {
  for (const size_t i : {size_t{1}, size_t{0}}) {
    if (const auto number = uniform_number(rewriter, node.inputs[i])) return {{node.inputs[1 - i], *number}};
  }
  return std::nullopt;
}

std::optional<Mean> as_mean(const Rewriter& rewriter, Value v) {
  const Graph::Node* node = rewriter.maker(v);
  if (node == nullptr || (node->op != OpId::div_op && node->op != OpId::mul_op)) return std::nullopt;
  const auto scaled = with_number(rewriter, *node);
  if (!scaled || (node->op == OpId::div_op && scaled->first != node->inputs[0])) return std::nullopt;
  const Graph::Node* sum = rewriter.maker(scaled->first, OpId::reduce_sum_op);
  if (sum == nullptr || !(rewriter.type(v) == rewriter.type(scaled->first))) return std::nullopt;
  const Mean mean{sum->inputs[0], attributes_of<ReduceAttributes>(*sum)};
  double count = 1;
  for (const int64_t a : items(mean.axes.axes)) {
    const Dim d = rewriter.type(mean.of).shape[static_cast<size_t>(a)];
    if (!d.known()) return std::nullopt;
    count *= static_cast<double>(d.value());
  }
  const Value number = node->inputs[0] == scaled->first ? node->inputs[1] : node->inputs[0];
  if (!is_close(rewriter, number, node->op == OpId::div_op ? count : 1 / count)) return std::nullopt;
  return mean;
}

std::optional<Value> as_square(const Rewriter& rewriter, Value v) {
  const Graph::Node* node = rewriter.maker(v);
  if (node == nullptr) return std::nullopt;
  if (node->op == OpId::mul_op && node->inputs[0] == node->inputs[1]) return node->inputs[0];
  const bool squared = node->op == OpId::pow_op && is_uniform(rewriter, node->inputs[1], 2.0) &&
                       rewriter.type(node->inputs[0]) == rewriter.type(v);
  return squared ? std::optional(node->inputs[0]) : std::nullopt;
}

bool is_wide_float(const Rewriter& rewriter, Value v) {
  const DType dtype = rewriter.type(v).dtype;
  return dtype == DType::float32 || dtype == DType::float64;
}

ConvActivationAttributes with_activation(const ConvAttributes& conv) {
  auto at = make_attributes<ConvActivationAttributes>();
  at.strides = conv.strides;
  at.pad_low = conv.pad_low;
  at.pad_high = conv.pad_high;
  at.dilations = conv.dilations;
  at.groups = conv.groups;
  return at;
}

}  // namespace keras::internal
