// SPDX-License-Identifier: Apache-2.0
// reshapes: where one elementwise op reads another through a reshape, the reshape goes behind both, so that
// they are of one shape and fuse.
#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

bool is_elementwise(const Graph::Node* node) {
  return node != nullptr && op_def(node->op).has('E') && node->outputs.size() == 1;
}

// What the node would read before the reshapes, or nothing when they cannot go behind it.
std::vector<Value> before_reshapes(const Rewriter& rewriter, const Graph::Node& node) {
  std::vector<Value> out;
  const Shape& shape = rewriter.type(node.outputs[0]).shape;
  const Shape* source = nullptr;
  bool fuses = false;
  for (const Value v : node.inputs) {
    if (rewriter.type(v).shape.empty()) {
      out.push_back(v);
      continue;
    }
    const auto* reshape = rewriter.maker(v, OpId::reshape_op);
    if (reshape == nullptr || rewriter.readers(v) != 1 || !(rewriter.type(v).shape == shape)) return {};
    const Value from = reshape->inputs[0];
    if (source != nullptr && !(*source == rewriter.type(from).shape)) return {};
    source = &rewriter.type(from).shape;
    fuses = fuses || is_elementwise(rewriter.maker(from));
    out.push_back(from);
  }
  return fuses ? out : std::vector<Value>();
}

}  // namespace

void sink_reshapes(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  while (Graph::Node* node = rewriter.next()) {
    std::vector<Value> operands;
    if (is_elementwise(node)) operands = before_reshapes(rewriter, *node);
    if (operands.empty()) {
      rewriter.keep();
      continue;
    }
    auto attributes = make_attributes<ShapeAttributes>();
    attributes.shape = to_list(rewriter.type(node->outputs[0]).shape);
    const Value done = rewriter.add(node->op, node->attributes.data(), operands);
    rewriter.replace(rewriter.add(OpId::reshape_op, attributes, {done}));
  }
  rewriter.finish();
}

}  // namespace keras::internal
