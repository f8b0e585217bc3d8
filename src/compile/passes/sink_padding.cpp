// SPDX-License-Identifier: Apache-2.0
// padding: zeros laid around what a convolution reads are its own padding, which costs it nothing, where the
// op before it would be a copy of the activations. The gradients of such a convolution read and give the
// tensor without the zeros as well.
#include <algorithm>

#include "compile/match.h"
#include "compile/passes/list.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;
constexpr Value kNone = Rewriter::kNone;

// Zeros before and after, along the spatial axes alone: all added, or all taken away.
bool is_spatial(const PadAttributes& at, bool added) {
  const int64_t rank = at.low.count;
  for (int64_t i = 0; i < rank; ++i) {
    const bool spatial = i > 0 && i + 1 < rank;
    for (const int64_t amount : {at.low.v[i], at.high.v[i]}) {
      if (!spatial && amount != 0) return false;
      if (added ? amount < 0 : amount > 0) return false;
    }
    if (at.interior.v[i] != 0) return false;
  }
  return rank > 2;
}

bool is_zero(const Rewriter& rewriter, Value v) { return is_uniform(rewriter, v, 0.0); }

// Adds the amounts to a convolution's padding. False where dimensions are open, or a window would see padding
// alone, which kernels may be slow with.
template <class A>
bool widen(A& at, const PadAttributes& pad, const Shape& kernel) {
  for (int64_t i = 0; i < at.pad_low.count; ++i) {
    const Dim low = Dim::from_code(at.pad_low.v[i]), high = Dim::from_code(at.pad_high.v[i]);
    const Dim extent = kernel[static_cast<size_t>(i)];
    if (!low.known() || !high.known() || !extent.known()) return false;
    const int64_t reach = (extent.value() - 1) * at.dilations.v[i] + 1;
    at.pad_low.v[i] = low.value() + std::abs(pad.low.v[i + 1]);
    at.pad_high.v[i] = high.value() + std::abs(pad.high.v[i + 1]);
    if (at.pad_low.v[i] >= reach || at.pad_high.v[i] >= reach) return false;
  }
  return true;
}

// A convolution, or the gradient of its kernel, that reads padded x.
template <class A>
Value of_unpadded(Rewriter& rewriter, const Graph::Node& node, const Shape& kernel) {
  const auto* pad = rewriter.maker(node.inputs[0], OpId::pad_op);
  if (pad == nullptr || !is_zero(rewriter, pad->inputs[1])) return kNone;
  const auto& amounts = attributes_of<PadAttributes>(*pad);
  auto at = attributes_of<A>(node);
  if (!is_spatial(amounts, true) || !widen(at, amounts, kernel)) return kNone;
  std::vector<Value> operands = node.inputs;
  operands[0] = pad->inputs[0];
  return rewriter.add(node.op, at, operands);
}

// The gradient of padded x, from which the padding is cut off again.
Value without_padding(Rewriter& rewriter, const Graph::Node& crop) {
  const auto* gradient = sole_maker(rewriter, crop.inputs[0], OpId::conv_grad_input_op);
  const auto& amounts = attributes_of<PadAttributes>(crop);
  if (gradient == nullptr || !is_spatial(amounts, false)) return kNone;
  auto at = attributes_of<ConvAttributes>(*gradient);
  const Shape& kernel = rewriter.type(gradient->inputs[1]).shape;
  if (!widen(at, amounts, kernel.sub(0, kernel.size() - 2))) return kNone;
  at.input_shape = to_list(rewriter.type(crop.outputs[0]).shape);
  const std::vector<Value> operands = gradient->inputs;
  return rewriter.add(OpId::conv_grad_input_op, at, operands);
}

Value sunk(Rewriter& rewriter, const Graph::Node& node) {
  switch (node.op) {
    case OpId::conv_op:
      return of_unpadded<ConvAttributes>(rewriter, node, rewriter.type(node.inputs[1]).shape);
    case OpId::conv_bias_act_op:
      return of_unpadded<ConvActivationAttributes>(rewriter, node, rewriter.type(node.inputs[1]).shape);
    case OpId::conv_grad_filter_op:
      return of_unpadded<ConvAttributes>(rewriter, node, rewriter.type(node.outputs[0]).shape);
    case OpId::pad_op:
      return without_padding(rewriter, node);
    default:
      return kNone;
  }
}

}  // namespace

void sink_padding(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  while (const Graph::Node* node = rewriter.next()) {
    const Value found = sunk(rewriter, *node);
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
