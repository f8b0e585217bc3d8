// SPDX-License-Identifier: Apache-2.0
// inline: call and custom_vjp have done their part once gradients are taken; fusions of an inner program are
// opened, so that they can grow.
#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

bool is_body(const Graph::Node& node, bool region) {
  const bool opens = node.op == OpId::call_op || node.op == OpId::custom_vjp_op || node.op == OpId::fusion_op;
  return opens && !node.regions.empty() && node.regions[0]->inputs().size() == node.inputs.size() &&
         node.regions[0]->outputs().size() == node.outputs.size() &&
         (!region || node.regions[0]->constants().empty());
}

bool has_bodies(const Graph& graph, bool region) {
  for (const auto& node : graph.nodes()) {
    if (is_body(node, region)) return true;
  }
  return false;
}

}  // namespace

void inline_calls(Graph& graph, const PassContext& context) {
  // Bodies within bodies: once more for each level.
  while (has_bodies(graph, context.region)) {
    Rewriter rewriter(graph);
    while (const Graph::Node* node = rewriter.next()) {
      if (!is_body(*node, context.region)) {
        rewriter.keep();
      } else {
        rewriter.replace(rewriter.splice(*node->regions[0], node->inputs));
      }
    }
    rewriter.finish();
  }
}

}  // namespace keras::internal
