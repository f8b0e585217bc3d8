// SPDX-License-Identifier: Apache-2.0
#include "compile/hoist.h"

#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// What is computed once may be so much larger than what it comes from.
constexpr size_t kSmallBytes = 64 * 1024;

size_t index(Value v) { return static_cast<size_t>(v); }

size_t bytes_of(const TensorType& type) {
  return type.shape.known() ? static_cast<size_t>(type.shape.elements()) * dtype_size(type.dtype) : 0;
}

bool may_wait(const Graph::Node& node) {
  return !node.inputs.empty() && node.residuals == 0 && node.op != OpId::barrier_op &&
         (node.regions.empty() || node.op == OpId::fusion_op);
}

// Made of nothing, so that it can be made anywhere.
bool is_free(const Graph::Node& node) { return node.op == OpId::constant_op || node.op == OpId::iota_op; }

// Gives its operand's memory back, so that keeping it keeps a variable's memory and saves nothing.
bool shares_memory(const Graph::Node& node) { return node.op == OpId::reshape_op; }

}  // namespace

std::vector<bool> stable_values(const Graph& graph, const std::vector<bool>& stable_inputs) {
  std::vector<bool> stable(graph.types().size(), false), free(graph.types().size(), false);
  for (size_t i = 0; i < stable_inputs.size(); ++i) stable[index(graph.inputs()[i])] = stable_inputs[i];
  for (const auto& constant : graph.constants()) free[index(constant.value)] = true;
  for (const auto& node : graph.nodes()) {
    if (is_free(node)) free[index(node.outputs[0])] = true;
    if (!may_wait(node)) continue;
    bool follows = true, any = false;
    size_t in = 0, out = 0;
    for (const Value v : node.inputs) {
      follows = follows && (stable[index(v)] || free[index(v)]);
      any = any || stable[index(v)];
      in += bytes_of(graph.type(v));
    }
    for (const Value v : node.outputs) {
      follows = follows && graph.type(v).shape.known();
      out += bytes_of(graph.type(v));
    }
    if (!follows || !any || (out > in && out > kSmallBytes)) continue;
    for (const Value v : node.outputs) stable[index(v)] = true;
  }
  return stable;
}

std::optional<Parted> hoist(const Graph& graph, const std::vector<bool>& stable_inputs) {
  std::vector<bool> stable = stable_values(graph, stable_inputs);
  // What the other part reads; results of the program are its own.
  std::vector<bool> read(graph.types().size(), false);
  for (const Value v : graph.outputs()) read[index(v)] = true;
  const std::vector<bool> given = read;
  bool any = false;
  for (size_t n = graph.nodes().size(); n-- > 0;) {
    const auto& node = graph.nodes()[n];
    bool goes = !node.outputs.empty() && stable[index(node.outputs[0])];
    for (const Value v : node.outputs)
      goes = goes && !given[index(v)] && !(shares_memory(node) && read[index(v)]);
    any = any || goes;
    for (const Value v : node.outputs) stable[index(v)] = goes;
    if (goes) continue;
    for (const Value v : node.inputs) read[index(v)] = true;
  }
  if (!any) return std::nullopt;

  std::vector<Value> roots;
  for (const auto& node : graph.nodes()) {
    for (const Value v : node.outputs) {
      if (stable[index(v)] && read[index(v)]) roots.push_back(v);
    }
  }
  if (roots.empty()) return std::nullopt;
  Parted parted;
  const auto needed = needed_inputs(graph, roots);
  std::vector<Value> inputs;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i] || !stable[index(graph.inputs()[i])]) continue;
    inputs.push_back(graph.inputs()[i]);
    parted.inputs.push_back(static_cast<int>(i));
  }
  parted.once = extract(graph, inputs, roots);

  parted.rest = std::make_shared<Graph>(graph);
  std::vector<Value> by(graph.types().size());
  for (size_t v = 0; v < by.size(); ++v) by[v] = static_cast<Value>(v);
  for (const Value v : roots) by[index(v)] = parted.rest->add_input(graph.type(v));
  auto& nodes = parted.rest->nodes();
  std::erase_if(nodes,
                [&](const Graph::Node& n) { return !n.outputs.empty() && stable[index(n.outputs[0])]; });
  for (auto& node : nodes) {
    for (Value& v : node.inputs) v = by[index(v)];
  }
  static const PassOptions none;
  drop_dead(*parted.rest, {none});
  return parted;
}

Prologue::Prologue(Backend& backend, const Parted& parted)
    : inputs_(parted.inputs),
      num_results_(parted.once->outputs().size()),
      executable_(backend, parted.once, std::vector<keras_use>(parted.inputs.size(), KERAS_KEEP),
                  std::vector<int>(parted.once->outputs().size(), -1)) {}

void Prologue::fill(std::span<Tensor> operands, uint64_t version) {
  std::shared_ptr<const Kept> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = kept_;
  }
  if (kept == nullptr || kept->version != version) {
    std::vector<Tensor> in;
    for (const int i : inputs_) in.push_back(operands[static_cast<size_t>(i)]);
    const Tensors results = executable_.run(in);
    kept = std::make_shared<const Kept>(Kept{version, {results.begin(), results.end()}});
    const std::lock_guard lock(mutex_);
    kept_ = kept;
  }
  const size_t first = operands.size() - num_results_;
  for (size_t i = 0; i < num_results_; ++i) operands[first + i] = kept->results[i];
}

}  // namespace keras::internal
