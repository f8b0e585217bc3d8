// SPDX-License-Identifier: Apache-2.0
// dead: nodes and constants that nothing reads go. A node that would only raise an error goes, too.
#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

void drop_dead(Graph& graph, const PassContext&) {
  std::vector<bool> read(graph.types().size(), false);
  const auto is_read = [&](Graph::Value v) { return read[static_cast<size_t>(v)]; };
  for (const auto v : graph.outputs()) read[static_cast<size_t>(v)] = true;
  auto& nodes = graph.nodes();
  size_t kept = nodes.size();
  for (size_t i = nodes.size(); i-- > 0;) {
    bool stays = has_effects(nodes[i]);
    for (const auto v : nodes[i].outputs) stays = stays || is_read(v);
    if (!stays) continue;
    for (const auto v : nodes[i].inputs) read[static_cast<size_t>(v)] = true;
    if (--kept != i) nodes[kept] = std::move(nodes[i]);
  }
  nodes.erase(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(kept));
  std::erase_if(graph.constants(), [&](const Graph::Constant& c) { return !is_read(c.value); });
}

}  // namespace keras::internal
