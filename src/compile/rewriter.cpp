// SPDX-License-Identifier: Apache-2.0
#include "compile/rewriter.h"

#include "keras/base/error.h"

namespace keras::internal {

namespace {

size_t index(Graph::Value v) { return static_cast<size_t>(v); }

}  // namespace

Rewriter::Rewriter(Graph& graph) : graph_(graph), before_(std::move(graph.nodes())) {
  graph_.nodes().clear();
  graph_.nodes().reserve(before_.size() + before_.size() / 4);
  grow();
  for (const Node& node : before_) {
    for (const Value v : node.inputs) ++readers_[index(v)];
  }
  for (const Value v : graph_.outputs()) ++readers_[index(v)];
  for (size_t v = 0; v < readers_.size(); ++v) was_read_[v] = readers_[v] > 0;
  for (size_t i = 0; i < graph_.constants().size(); ++i)
    constant_[index(graph_.constants()[i].value)] = static_cast<int32_t>(i);
}

void Rewriter::grow() {
  const size_t size = graph_.types().size();
  for (size_t v = stands_for_.size(); v < size; ++v) stands_for_.push_back(static_cast<Value>(v));
  maker_.resize(size, -1);
  constant_.resize(size, -1);
  readers_.resize(size, 0);
  was_read_.resize(size, true);  // what a pass adds and then does not use goes
}

Rewriter::Value Rewriter::resolve(Value v) const {
  while (stands_for_[index(v)] != v) {
    auto& by = stands_for_[index(v)];
    by = stands_for_[index(by)];
    v = by;
  }
  return v;
}

Rewriter::Node* Rewriter::next() {
  if (position_ == before_.size()) return nullptr;
  present_ = std::move(before_[position_++]);
  for (Value& v : present_.inputs) v = resolve(v);
  return &present_;
}

void Rewriter::note_maker(const Node& node) {
  const auto place = static_cast<int32_t>(graph_.nodes().size()) - 1;
  for (const Value v : node.outputs) maker_[index(v)] = place;
}

void Rewriter::keep() {
  graph_.nodes().push_back(std::move(present_));
  note_maker(graph_.nodes().back());
}

void Rewriter::replace(Value by) { replace(std::span<const Value>(&by, 1)); }

void Rewriter::replace(std::span<const Value> by) {
  for (size_t i = 0; i < present_.outputs.size(); ++i) {
    const Value old = present_.outputs[i];
    const Value now = i < by.size() ? by[i] : kNone;
    if (now == kNone) {
      if (readers(old) == 0) continue;
      fail<ValueError>({"rewrite", "A result that is read needs a value in its place",
                        op_def(present_.op).name + " result " + std::to_string(i), ""});
    }
    substitute(old, now);
  }
  for (const Value v : present_.inputs) --readers_[index(v)];
}

void Rewriter::substitute(Value old, Value by) {
  if (!(type(old) == type(by))) {
    fail<ValueError>({"rewrite", "A value may only be replaced by one of its type",
                      op_def(present_.op).name + ": " + type(old).to_string() + " by " + type(by).to_string(),
                      ""});
  }
  if (old == by) return;
  stands_for_[index(old)] = by;
  readers_[index(by)] += readers_[index(old)];
  readers_[index(old)] = 0;
}

void Rewriter::reroute(Value& operand, Value by) {
  --readers_[index(operand)];
  ++readers_[index(by)];
  operand = by;
}

void Rewriter::add_operand(std::vector<Value>& operands, Value v) {
  ++readers_[index(v)];
  operands.push_back(v);
}

bool Rewriter::same_types(std::span<const Value> a, std::span<const Value> b) const {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) same = type(a[i]) == type(b[i]);
  return same;
}

Rewriter::Value Rewriter::add(OpId op, const void* attributes, const std::vector<Value>& inputs) {
  const Value result = graph_.add_node(op, attributes, inputs).front();
  grow();
  for (const Value v : inputs) ++readers_[index(v)];
  note_maker(graph_.nodes().back());
  return result;
}

Rewriter::Value Rewriter::add(OpId op, const std::vector<Value>& inputs) {
  static const auto none = make_attributes<NoAttributes>();
  return add(op, static_cast<const void*>(&none), inputs);
}

Rewriter::Value Rewriter::add_value(const TensorType& type) {
  const Value v = graph_.add_value(type);
  grow();
  return v;
}

Rewriter::Value Rewriter::add_input(const TensorType& type) {
  const Value v = graph_.add_input(type);
  grow();
  return v;
}

Rewriter::Value Rewriter::add_constant(Tensor tensor) {
  const Value v = graph_.add_constant(std::move(tensor));
  grow();
  constant_[index(v)] = static_cast<int32_t>(graph_.constants().size()) - 1;
  return v;
}

void Rewriter::append(Node node) {
  for (const Value v : node.inputs) ++readers_[index(v)];
  graph_.nodes().push_back(std::move(node));
  note_maker(graph_.nodes().back());
}

std::vector<Rewriter::Value> Rewriter::splice(const Graph& region, std::span<const Value> operands) {
  std::vector<Value> values(region.types().size(), kNone);
  for (size_t i = 0; i < operands.size(); ++i) values[index(region.inputs()[i])] = operands[i];
  for (const auto& constant : region.constants())
    values[index(constant.value)] = add_constant(constant.tensor);
  for (const Node& node : region.nodes()) {
    Node copy = node;
    for (Value& v : copy.inputs) v = values[index(v)];
    for (Value& v : copy.outputs) {
      const Value fresh = add_value(region.type(v));
      values[index(v)] = fresh;
      v = fresh;
    }
    append(std::move(copy));
  }
  std::vector<Value> out;
  for (const Value v : region.outputs()) out.push_back(values[index(v)]);
  return out;
}

const Rewriter::Node* Rewriter::maker(Value v) const {
  const int32_t place = maker_[index(v)];
  return place < 0 ? nullptr : &graph_.nodes()[static_cast<size_t>(place)];
}

const Rewriter::Node* Rewriter::maker(Value v, OpId op) const {
  const Node* node = maker(v);
  return node != nullptr && node->op == op ? node : nullptr;
}

const Tensor* Rewriter::constant(Value v) const {
  const int32_t place = constant_[index(v)];
  return place < 0 ? nullptr : &graph_.constants()[static_cast<size_t>(place)].tensor;
}

void Rewriter::drop_unread() {
  auto& nodes = graph_.nodes();
  size_t kept = nodes.size();
  for (size_t i = nodes.size(); i-- > 0;) {
    bool goes = !has_effects(nodes[i]);
    bool was_read = false;
    for (const Value v : nodes[i].outputs) {
      goes = goes && readers(v) == 0;
      was_read = was_read || was_read_[index(v)];
    }
    if (goes && was_read) {
      for (const Value v : nodes[i].inputs) --readers_[index(v)];
    } else if (--kept != i) {
      nodes[kept] = std::move(nodes[i]);
    }
  }
  nodes.erase(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(kept));
}

void Rewriter::finish() {
  std::vector<Value> outputs = graph_.outputs();
  for (Value& v : outputs) v = resolve(v);
  graph_.set_outputs(std::move(outputs));
  drop_unread();
}

bool has_effects(const Graph::Node& node) {
  if (node.op == OpId::host_call_op) return true;
  for (const auto& region : node.regions) {
    for (const auto& inner : region->nodes()) {
      if (has_effects(inner)) return true;
    }
  }
  return false;
}

namespace {

// Which values, and which nodes, the outputs need.
struct Needed {
  std::vector<bool> values, nodes;
};

Needed find_needed(const Graph& graph, std::span<const Graph::Value> outputs) {
  Needed needed{std::vector<bool>(graph.types().size(), false),
                std::vector<bool>(graph.nodes().size(), false)};
  for (const auto v : outputs) needed.values[index(v)] = true;
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const auto& node = graph.nodes()[i];
    bool read = has_effects(node);
    for (const auto v : node.outputs) read = read || needed.values[index(v)];
    needed.nodes[i] = read;
    if (!read) continue;
    for (const auto v : node.inputs) needed.values[index(v)] = true;
  }
  return needed;
}

}  // namespace

std::vector<bool> needed_inputs(const Graph& graph, std::span<const Graph::Value> outputs) {
  const Needed needed = find_needed(graph, outputs);
  std::vector<bool> out;
  for (const auto v : graph.inputs()) out.push_back(needed.values[index(v)]);
  return out;
}

std::shared_ptr<const Graph> extract(const Graph& graph, std::span<const Graph::Value> inputs,
                                     std::span<const Graph::Value> outputs,
                                     std::span<const InputSubstitute> substitutes) {
  const Needed needed = find_needed(graph, outputs);
  auto out = std::make_shared<Graph>();
  std::vector<Graph::Value> values(graph.types().size(), Rewriter::kNone);
  for (const auto v : inputs) values[index(v)] = out->add_input(graph.type(v));
  for (const auto& constant : graph.constants()) {
    if (needed.values[index(constant.value)])
      values[index(constant.value)] = out->add_constant(constant.tensor);
  }
  for (const auto& s : substitutes) {
    if (!needed.values[index(s.input)]) continue;
    values[index(s.input)] = s.number ? out->add(OpId::constant_op, *s.number, {}) : values[index(s.by)];
  }
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (!needed.nodes[i]) continue;
    auto node = graph.nodes()[i];
    for (auto& v : node.inputs) v = values[index(v)];
    for (auto& v : node.outputs) {
      const auto fresh = out->add_value(graph.type(v));
      values[index(v)] = fresh;
      v = fresh;
    }
    out->nodes().push_back(std::move(node));
  }
  std::vector<Graph::Value> results;
  for (const auto v : outputs) results.push_back(values[index(v)]);
  out->set_outputs(std::move(results));
  return out;
}

}  // namespace keras::internal
