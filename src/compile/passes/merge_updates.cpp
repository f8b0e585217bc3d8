// SPDX-License-Identifier: Apache-2.0
// updates: update_many nodes of equal attributes become one sweep over all their parameters.
#include <algorithm>
#include <map>

#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

size_t leading(const UpdateAttributes& at) { return at.rule == KERAS_UPDATE_NADAM ? 3 : 2; }

// What nodes must share: the attributes but for the number of parameters, and the scalars.
std::pair<std::vector<uint8_t>, std::vector<Value>> key_of(const Graph::Node& node) {
  auto attributes = node.attributes;
  auto& at = *reinterpret_cast<UpdateAttributes*>(attributes.data());
  at.count = 0;
  const auto scalars = node.inputs.begin() + static_cast<std::ptrdiff_t>(leading(at));
  return {std::move(attributes), std::vector<Value>(node.inputs.begin(), scalars)};
}

// Nodes to be joined, in order. The joined node stands where the last of them did.
struct Group {
  std::vector<size_t> members;
  size_t first_reader = 0;  // the first node that reads a result of a member
};

std::vector<Value> slice(const std::vector<Value>& values, size_t first, size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

void append(std::vector<Value>& to, const std::vector<Value>& what) {
  to.insert(to.end(), what.begin(), what.end());
}

Graph::Node joined(const std::vector<Graph::Node>& nodes, const std::vector<size_t>& members) {
  Graph::Node out = nodes[members.front()];
  auto& at = *reinterpret_cast<UpdateAttributes*>(out.attributes.data());
  at.count = 0;
  const size_t lead = leading(at), slots = static_cast<size_t>(at.slots);
  out.inputs.resize(lead);
  out.outputs.clear();
  const auto count_of = [&](size_t n) {
    return static_cast<size_t>(attributes_of<UpdateAttributes>(nodes[n]).count);
  };
  for (const size_t n : members) at.count += static_cast<int64_t>(count_of(n));
  for (const size_t n : members) append(out.inputs, slice(nodes[n].inputs, lead, count_of(n)));
  for (const size_t n : members) append(out.inputs, slice(nodes[n].inputs, lead + count_of(n), count_of(n)));
  for (const size_t n : members)
    append(out.inputs, slice(nodes[n].inputs, lead + 2 * count_of(n), count_of(n) * slots));
  for (const size_t n : members) append(out.outputs, slice(nodes[n].outputs, 0, count_of(n)));
  for (const size_t n : members)
    append(out.outputs, slice(nodes[n].outputs, count_of(n), count_of(n) * slots));
  return out;
}

}  // namespace

void merge_updates(Graph& graph, const PassContext&) {
  auto& nodes = graph.nodes();
  std::vector<size_t> first_reader(graph.types().size(), nodes.size());
  for (size_t n = nodes.size(); n-- > 0;) {
    for (const Value v : nodes[n].inputs) first_reader[static_cast<size_t>(v)] = n;
  }
  std::map<std::pair<std::vector<uint8_t>, std::vector<Value>>, std::vector<Group>> groups;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (nodes[n].op != OpId::update_many_op) continue;
    size_t reader = nodes.size();
    for (const Value v : nodes[n].outputs) reader = std::min(reader, first_reader[static_cast<size_t>(v)]);
    auto& open = groups[key_of(nodes[n])];
    // A node that needs an earlier one's results, or comes after something that does, begins a new group.
    if (open.empty() || open.back().first_reader <= n) open.push_back({{}, nodes.size()});
    open.back().members.push_back(n);
    open.back().first_reader = std::min(open.back().first_reader, reader);
  }
  std::vector<bool> gone(nodes.size(), false);
  bool any = false;
  for (const auto& [key, list] : groups) {
    for (const Group& group : list) {
      if (group.members.size() < 2) continue;
      auto node = joined(nodes, group.members);
      for (const size_t n : group.members) gone[n] = true;
      gone[group.members.back()] = false;
      nodes[group.members.back()] = std::move(node);
      any = true;
    }
  }
  if (!any) return;
  size_t kept = 0;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (gone[n]) continue;
    if (kept != n) nodes[kept] = std::move(nodes[n]);
    ++kept;
  }
  nodes.resize(kept);
}

}  // namespace keras::internal
