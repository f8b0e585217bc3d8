// SPDX-License-Identifier: Apache-2.0
// broadcasts: an elementwise op broadcasts its operands by itself, so a broadcast_to before it, or a constant
// in full size, is not needed. Where the result would then be smaller, the op is done small and its result
// broadcast: work goes away, too.
#include "compile/passes/list.h"
#include "compile/rewriter.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// The value before it was broadcast.
Value narrow(Rewriter& rewriter, Value v) {
  const TensorType& type = rewriter.type(v);
  if (type.shape.empty()) return v;
  if (auto number = uniform(rewriter, v)) {
    number->shape = keras_list{};
    return rewriter.add(OpId::constant_op, *number, {});
  }
  while (const auto* node = rewriter.maker(v, OpId::broadcast_to_op)) v = node->inputs[0];
  return v;
}

// True when every dimension of `from`, counted from the last, is `to`'s or 1.
bool stretches_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const Dim d = from[i];
    if (!(d == Dim(1)) && !(d == to[to.size() - from.size() + i])) return false;
  }
  return true;
}

}  // namespace

void sink_broadcasts(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  while (Graph::Node* node = rewriter.next()) {
    if (!op_def(node->op).has('E') || node->outputs.size() != 1) {
      rewriter.keep();
      continue;
    }
    std::vector<Value> operands;
    for (const Value v : node->inputs) operands.push_back(narrow(rewriter, v));
    if (operands == node->inputs) {
      rewriter.keep();
      continue;
    }
    Shape small;
    bool stretches = true;
    const Shape wanted = rewriter.type(node->outputs[0]).shape;
    for (const Value v : operands) {
      const Shape& shape = rewriter.type(v).shape;
      stretches = stretches && stretches_to(shape, wanted);
      if (stretches) small = broadcast_shapes(op_def(node->op).name, small, shape);
    }
    if (!stretches) {
      rewriter.keep();
    } else if (small == wanted) {
      for (size_t i = 0; i < operands.size(); ++i) rewriter.reroute(node->inputs[i], operands[i]);
      rewriter.keep();
    } else {
      auto attributes = make_attributes<ShapeAttributes>();
      attributes.shape = to_list(wanted);
      const Value done = rewriter.add(node->op, node->attributes.data(), operands);
      rewriter.replace(rewriter.add(OpId::broadcast_to_op, attributes, {done}));
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
