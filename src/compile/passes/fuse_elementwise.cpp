// SPDX-License-Identifier: Apache-2.0
// fuse: elementwise ops over one shape that read each other become one loop, the op `fusion`, when the
// backend takes it. No op is computed twice, but conversions and constants, which cost less than reading
// their result.
#include <algorithm>
#include <unordered_map>

#include "compile/hoist.h"
#include "compile/passes/clusters.h"
#include "compile/passes/list.h"
#include "compile/rewriter.h"
#include "compile/uniform.h"
#include "runtime/graph_image.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// A loop over more ops or tensors than this runs out of registers and cache.
constexpr size_t kMostNodes = 48;
constexpr size_t kMostTensors = 24;

size_t index(Value v) { return static_cast<size_t>(v); }

bool is_plain(DType dtype) { return dtype != DType::string && !is_complex(dtype); }

class Fuser {
 public:
  Fuser(Graph& graph, const FusionTaken& taken, const std::vector<bool>& stable_inputs)
      : graph_(graph), taken_(taken), nodes_(graph.nodes()), stable_(stable_values(graph, stable_inputs)) {}

  void run() {
    find_makers();
    join();
    emit();
  }

 private:
  void find_makers() {
    maker_.assign(graph_.types().size(), -1);
    readers_.resize(graph_.types().size());
    is_output_.assign(graph_.types().size(), false);
    for (size_t n = 0; n < nodes_.size(); ++n) {
      for (const Value v : nodes_[n].outputs) maker_[index(v)] = static_cast<int>(n);
      for (const Value v : nodes_[n].inputs) {
        auto& readers = readers_[index(v)];
        if (readers.empty() || readers.back() != static_cast<int>(n)) readers.push_back(static_cast<int>(n));
      }
    }
    for (const Value v : graph_.outputs()) is_output_[index(v)] = true;
    for (const auto& constant : graph_.constants()) constant_[constant.value] = &constant.tensor;
    fusable_.resize(nodes_.size());
    for (size_t n = 0; n < nodes_.size(); ++n) fusable_[n] = is_fusable(nodes_[n]);
  }

  bool is_fusable(const Graph::Node& node) const {
    if (!op_def(node.op).has('E') || node.outputs.size() != 1) return false;
    bool plain = is_plain(type(node.outputs[0]).dtype);
    for (const Value v : node.inputs) plain = plain && is_plain(type(v).dtype);
    return plain;
  }

  const TensorType& type(Value v) const { return graph_.type(v); }
  const Shape& loop(int n) const { return type(nodes_[static_cast<size_t>(n)].outputs[0]).shape; }
  bool fusable(int n) const { return fusable_[static_cast<size_t>(n)]; }
  bool stable(int n) const { return stable_[index(nodes_[static_cast<size_t>(n)].outputs[0])]; }
  bool one_loop(int a, int b) const {
    return fusable(a) && fusable(b) && loop(a) == loop(b) && stable(a) == stable(b);
  }

  // Joins each op with the ops that read it, from the last to the first; then ops that read the same large
  // tensor and stand close together.
  void join() {
    std::vector<std::vector<int>> successors(nodes_.size());
    for (size_t n = 0; n < nodes_.size(); ++n) {
      for (const Value v : nodes_[n].outputs) {
        const auto& readers = readers_[index(v)];
        successors[n].insert(successors[n].end(), readers.begin(), readers.end());
      }
    }
    clusters_.emplace(std::move(successors));
    for (int n = static_cast<int>(nodes_.size()); n-- > 0;) {
      if (!fusable(n)) continue;
      for (const int reader : readers_[index(nodes_[static_cast<size_t>(n)].outputs[0])]) try_join(n, reader);
    }
    for (size_t v = 0; v < readers_.size(); ++v) {
      int before = -1;
      for (const int n : readers_[v]) {
        if (!fusable(n) || !(loop(n) == type(static_cast<Value>(v)).shape)) continue;
        if (before >= 0 && clusters_->distance(before, n) <= kNear) try_join(before, n);
        before = n;
      }
    }
  }

  void try_join(int a, int b) {
    if (!one_loop(a, b) || clusters_->same(a, b)) return;
    if (clusters_->members(a).size() + clusters_->members(b).size() > kMostNodes) return;
    if (tensors_of_both(a, b) > kMostTensors) return;
    clusters_->join(a, b);
  }

  // How many tensors a loop over both clusters would read and write.
  size_t tensors_of_both(int a, int b) const {
    std::vector<int> members = clusters_->members(a);
    const auto& more = clusters_->members(b);
    members.insert(members.end(), more.begin(), more.end());
    std::sort(members.begin(), members.end());
    const auto inside = [&](int n) { return std::binary_search(members.begin(), members.end(), n); };
    std::vector<Value> read;
    size_t written = 0;
    for (const int n : members) {
      const auto& node = nodes_[static_cast<size_t>(n)];
      for (const Value v : node.inputs) {
        const int from = maker_[index(v)];
        if ((from < 0 || !inside(from)) && !number(v)) read.push_back(v);
      }
      const Value result = node.outputs[0];
      const auto& readers = readers_[index(result)];
      written += is_output_[index(result)] || !std::all_of(readers.begin(), readers.end(), inside) ? 1 : 0;
    }
    std::sort(read.begin(), read.end());
    return written + static_cast<size_t>(std::unique(read.begin(), read.end()) - read.begin());
  }

  // The number that the value is everywhere.
  std::optional<ConstantAttributes> number(Value v) const {
    const int n = maker_[index(v)];
    std::optional<ConstantAttributes> found;
    if (n >= 0 && nodes_[static_cast<size_t>(n)].op == OpId::constant_op) {
      found = attributes_of<ConstantAttributes>(nodes_[static_cast<size_t>(n)]);
    } else if (const auto it = constant_.find(v); it != constant_.end()) {
      found = uniform(*it->second);
    }
    if (!found || !is_plain(static_cast<DType>(found->dtype))) return std::nullopt;
    found->shape = keras_list{};
    return found;
  }

  // The op that made this operand of a loop, when repeating it costs less than reading its result: a
  // conversion of a value that has to exist anyway.
  const Graph::Node* repeatable(Value v, const std::vector<int>& members) const {
    const int n = maker_[index(v)];
    if (n < 0 || !one_loop(n, members.front())) return nullptr;
    const auto& node = nodes_[static_cast<size_t>(n)];
    if (node.op != OpId::cast_op) return nullptr;
    const Value from = node.inputs[0];
    if (dtype_size(type(from).dtype) > dtype_size(type(v).dtype)) return nullptr;
    const int before = maker_[index(from)];
    return before < 0 || !clusters_->same(before, n) ? &node : nullptr;
  }

  // A loop, with the values that it reads and gives.
  struct Loop {
    std::shared_ptr<Graph> region = std::make_shared<Graph>();
    std::vector<Value> operands;
    std::vector<Value> results;
    std::unordered_map<Value, Value> inside;  // values of the program as the region's
  };

  Value operand_in(Loop& loop, Value v, const std::vector<int>& members) const {
    if (const auto it = loop.inside.find(v); it != loop.inside.end()) return it->second;
    Value made = Rewriter::kNone;
    if (const auto constant = number(v)) {
      made = loop.region->add(OpId::constant_op, *constant, {});
    } else if (const Graph::Node* cast = repeatable(v, members)) {
      const Value from = operand_in(loop, cast->inputs[0], members);
      made = loop.region->add_node(cast->op, cast->attributes.data(), {from}).front();
    } else {
      made = loop.region->add_input(type(v));
      loop.operands.push_back(v);
    }
    return loop.inside[v] = made;
  }

  Loop build(const std::vector<int>& members) const {
    Loop loop;
    for (const int n : members) {
      Graph::Node node = nodes_[static_cast<size_t>(n)];
      for (Value& v : node.inputs) v = operand_in(loop, v, members);
      const Value result = node.outputs[0];
      node.outputs[0] = loop.region->add_value(type(result));
      loop.inside[result] = node.outputs[0];
      loop.region->nodes().push_back(std::move(node));
    }
    std::vector<Value> outputs;
    for (const int n : members) {
      const Value result = nodes_[static_cast<size_t>(n)].outputs[0];
      if (!is_read_outside(result, members)) continue;
      loop.results.push_back(result);
      outputs.push_back(loop.inside[result]);
    }
    loop.region->set_outputs(std::move(outputs));
    return loop;
  }

  bool is_read_outside(Value v, const std::vector<int>& members) const {
    if (is_output_[index(v)]) return true;
    const auto& readers = readers_[index(v)];
    return std::any_of(readers.begin(), readers.end(),
                       [&](int n) { return !std::binary_search(members.begin(), members.end(), n); });
  }

  // Writes the members as one loop, or in halves where the backend declines, or one by one.
  void emit(std::vector<int> members, std::vector<Graph::Node>& out) {
    std::sort(members.begin(), members.end());
    if (members.size() > 1) {
      Loop loop = build(members);
      Graph::Node node;
      node.op = OpId::fusion_op;
      static const auto none = make_attributes<NoAttributes>();
      const auto* bytes = reinterpret_cast<const uint8_t*>(&none);
      node.attributes.assign(bytes, bytes + sizeof(none));
      node.inputs = loop.operands;
      node.outputs = loop.results;
      node.regions.push_back(loop.region);
      if (taken_(graph_, node)) {
        out.push_back(std::move(node));
        return;
      }
      if (members.size() > 2) {
        const auto middle = members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2);
        emit({members.begin(), middle}, out);
        emit({middle, members.end()}, out);
        return;
      }
    }
    for (const int n : members) out.push_back(nodes_[static_cast<size_t>(n)]);
  }

  void emit() {
    std::vector<Graph::Node> out;
    for (const int cluster : clusters_->order()) emit(clusters_->members(cluster), out);
    nodes_ = std::move(out);
  }

  static constexpr int kNear = 16;

  Graph& graph_;
  const FusionTaken& taken_;
  std::vector<Graph::Node>& nodes_;
  std::vector<bool> stable_;  // values that are kept from call to call
  std::vector<int> maker_;
  std::vector<std::vector<int>> readers_;
  std::vector<bool> is_output_;
  std::vector<bool> fusable_;
  std::unordered_map<Value, const Tensor*> constant_;
  std::optional<Clusters> clusters_;
};

// Results that nothing reads, because every reader repeats the conversion, go out of the loop.
void drop_unread_results(Graph& graph) {
  std::vector<bool> read(graph.types().size(), false);
  for (const Value v : graph.outputs()) read[index(v)] = true;
  for (const auto& node : graph.nodes()) {
    for (const Value v : node.inputs) read[index(v)] = true;
  }
  for (auto& node : graph.nodes()) {
    if (node.op != OpId::fusion_op) continue;
    std::vector<Value> outputs, results, inputs, operands;
    const Graph& region = *node.regions[0];
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!read[index(node.outputs[i])]) continue;
      results.push_back(node.outputs[i]);
      outputs.push_back(region.outputs()[i]);
    }
    if (results.size() == node.outputs.size()) continue;
    const auto needed = needed_inputs(region, outputs);
    for (size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) continue;
      inputs.push_back(region.inputs()[i]);
      operands.push_back(node.inputs[i]);
    }
    node.regions[0] = extract(region, inputs, outputs);
    node.inputs = std::move(operands);
    node.outputs = std::move(results);
  }
}

}  // namespace

void fuse_elementwise(Graph& graph, const FusionTaken& taken, const std::vector<bool>& stable_inputs) {
  Fuser(graph, taken, stable_inputs).run();
  static const PassOptions none;
  drop_dead(graph, {none});  // conversions that every reader repeats
  drop_unread_results(graph);
}

void fuse_elementwise(Graph& graph, const PassContext& context) {
  Backend& backend = context.options.backend != nullptr ? *context.options.backend : current_backend();
  fuse_elementwise(
      graph,
      [&backend](const Graph& program, const Graph::Node& node) {
        for (const TensorType& t : node.regions[0]->types()) {
          if (!t.shape.known()) return true;  // asked when the shapes are known
        }
        return ask_backend(backend, program, node).verdict == KERAS_NATIVE;
      },
      context.region ? std::vector<bool>() : context.options.stable_inputs);
}

}  // namespace keras::internal
