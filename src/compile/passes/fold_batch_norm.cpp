// SPDX-License-Identifier: Apache-2.0
// batch_norm: in inference its statistics are numbers, so that it is a scale and a shift per channel. Behind
// a product or a convolution both go into the weights: always when those are constants (fold does the
// arithmetic once), and for variables where the weights are much smaller than the activations, since it is
// done at each call. Elsewhere it is written out, where an elementwise op beside it can take it into its
// loop.
#include "compile/hoist.h"
#include "compile/match.h"
#include "compile/passes/list.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;
constexpr Value kNone = Rewriter::kNone;

// Scaled weights are written, read and packed anew at each call; the activations are read and written once
// less.
constexpr int64_t kWorthwhile = 4;

bool is_elementwise(OpId op) { return op_def(op).has('E'); }

class Folder {
 public:
  Folder(Rewriter& rewriter, const std::vector<bool>& read_elementwise, const std::vector<bool>& stable)
      : rewriter_(rewriter), read_elementwise_(read_elementwise), stable_(stable) {}

  Value fold(const Graph::Node& node) {
    if (rewriter_.type(node.inputs[0]).dtype != DType::float32) return kNone;
    for (const Value v : node.inputs) {
      if (rewriter_.type(v).dtype != DType::float32) return kNone;
    }
    if (const Value folded = into_weights(node); folded != kNone) return folded;
    const auto* before = rewriter_.maker(node.inputs[0]);
    const bool beside = (before != nullptr && is_elementwise(before->op)) ||
                        read_elementwise_[static_cast<size_t>(node.outputs[0])];
    return beside ? written_out(node) : kNone;
  }

 private:
  const Shape& shape(Value v) const { return rewriter_.type(v).shape; }
  Value reshaped(Value v, const Shape& to) {
    if (shape(v) == to) return v;
    auto at = make_attributes<ShapeAttributes>();
    at.shape = to_list(to);
    return rewriter_.add(OpId::reshape_op, at, {v});
  }
  Value add(Value a, Value b) { return rewriter_.add(OpId::add_op, {a, b}); }
  Value sub(Value a, Value b) { return rewriter_.add(OpId::sub_op, {a, b}); }
  Value mul(Value a, Value b) { return rewriter_.add(OpId::mul_op, {a, b}); }

  // gamma / sqrt(variance + epsilon)
  Value scale_of(const std::vector<Value>& in, double epsilon) {
    const Value widened =
        add(in[4], rewriter_.add(OpId::constant_op, uniform_attributes(DType::float32, {}, epsilon), {}));
    return mul(in[1], rewriter_.add(OpId::rsqrt_op, {widened}));
  }

  bool is_known(Value v) const {
    if (static_cast<size_t>(v) < stable_.size() && stable_[static_cast<size_t>(v)]) return true;
    return rewriter_.constant(v) != nullptr || uniform(rewriter_, v).has_value();
  }

  static bool all_but_last(const keras_list& axes, int rank) {
    if (axes.count != rank - 1) return false;
    for (int64_t i = 0; i < axes.count; ++i) {
      if (axes.v[i] != i) return false;
    }
    return true;
  }

  Value into_weights(const Graph::Node& node) {
    const std::vector<Value> in = node.inputs;
    const auto at = attributes_of<NormAttributes>(node);
    if (!all_but_last(at.axes, shape(in[0]).rank()) || rewriter_.readers(in[0]) != 1) return kNone;
    const Graph::Node* product = rewriter_.maker(in[0]);
    if (product == nullptr || !scalable(*product)) return kNone;
    const Graph::Node before = *product;
    bool known = is_known(before.inputs[1]);
    for (size_t i = 1; i < in.size(); ++i) known = known && is_known(in[i]);
    if (!known && !worthwhile(before)) return kNone;
    const Value scale = scale_of(in, at.epsilon);
    const Value weights = mul(before.inputs[1], scale);
    const bool has_bias = before.inputs.size() == 3;
    const Value shift =
        has_bias ? add(mul(sub(before.inputs[2], in[3]), scale), in[2]) : sub(in[2], mul(in[3], scale));
    if (before.op == OpId::conv_op || before.op == OpId::conv_bias_act_op)
      return rewriter_.add(OpId::conv_bias_act_op, conv_attributes(before),
                           {before.inputs[0], weights, shift});
    return rewriter_.add(OpId::linear_op, make_attributes<ActivationAttributes>(),
                         {before.inputs[0], weights, shift});
  }

  // A product whose last axis is the weights' last axis, without an activation behind it.
  bool scalable(const Graph::Node& node) const {
    switch (node.op) {
      case OpId::conv_op:
        return true;
      case OpId::conv_bias_act_op:
        return attributes_of<ConvActivationAttributes>(node).activation == KERAS_ACT_LINEAR;
      case OpId::linear_op:
        return attributes_of<ActivationAttributes>(node).activation == KERAS_ACT_LINEAR;
      default:
        return false;
    }
  }

  static ConvActivationAttributes conv_attributes(const Graph::Node& node) {
    if (node.op == OpId::conv_bias_act_op) return attributes_of<ConvActivationAttributes>(node);
    return with_activation(attributes_of<ConvAttributes>(node));
  }

  bool worthwhile(const Graph::Node& node) const {
    const Shape& weights = shape(node.inputs[1]);
    const Shape& result = shape(node.outputs[0]);
    return weights.known() && result.known() && result.elements() >= kWorthwhile * weights.elements();
  }

  // (x - mean) * scale + beta, as the op's decomposition has it.
  Value written_out(const Graph::Node& node) {
    const std::vector<Value> in = node.inputs;
    const auto at = attributes_of<NormAttributes>(node);
    Shape row = shape(in[0]);
    for (const int64_t a : items(at.axes)) row[static_cast<size_t>(a)] = 1;
    if (all_but_last(at.axes, row.rank())) row = {row.back()};
    const Value scale = reshaped(scale_of(in, at.epsilon), row);
    return add(mul(sub(in[0], reshaped(in[3], row)), scale), reshaped(in[2], row));
  }

  Rewriter& rewriter_;
  const std::vector<bool>& read_elementwise_;
  const std::vector<bool>& stable_;
};

}  // namespace

void fold_batch_norm(Graph& graph, const PassContext& context) {
  if (!context.options.inference) return;
  std::vector<bool> read_elementwise(graph.types().size(), false);
  for (const auto& node : graph.nodes()) {
    if (!is_elementwise(node.op)) continue;
    for (const Value v : node.inputs) read_elementwise[static_cast<size_t>(v)] = true;
  }
  std::vector<bool> stable;
  if (!context.region) stable = stable_values(graph, context.options.stable_inputs);
  Rewriter rewriter(graph);
  Folder folder(rewriter, read_elementwise, stable);
  while (const Graph::Node* node = rewriter.next()) {
    const Value found = node->op == OpId::batch_norm_infer_op ? folder.fold(*node) : kNone;
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
