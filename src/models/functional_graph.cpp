// SPDX-License-Identifier: Apache-2.0
#include "models/functional_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "keras/base/error.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "models/output_structure.h"
#include "nn/layer_operation.h"
#include "nn/remat_call.h"

namespace keras::internal {

namespace {

using NodePtr = std::shared_ptr<const OperationNode>;
using Identity = std::pair<const void*, int>;

Identity identity(const Tensor& t) { return symbolic_value(t)->identity(); }

const layers::InputLayer* input_layer_of(const Tensor& t) {
  const auto& node = symbolic_value(t)->node;
  const auto* operation = node ? dynamic_cast<const LayerOperation*>(node->operation.get()) : nullptr;
  return operation != nullptr ? dynamic_cast<const layers::InputLayer*>(operation->layer().get()) : nullptr;
}

/// The KerasTensors among a node's arguments.
std::vector<Tensor> symbolic_arguments(const OperationNode& node) {
  std::vector<Tensor> out;
  for (const Nest* nest : {&node.args, &node.kwargs}) {
    for (const Tensor& t : nest->flatten()) {
      if (is_keras_tensor(t)) out.push_back(t);
    }
  }
  return out;
}

/// Copies the nodes between new inputs and the outputs; the operations are the same.
class GraphCopy {
 public:
  void replace(const Tensor& old_input, const Tensor& new_input) { known_[identity(old_input)] = new_input; }

  Tensor operator()(const Tensor& t) {
    if (!is_keras_tensor(t)) return t;
    if (const auto it = known_.find(identity(t)); it != known_.end()) return it->second;
    const NodePtr node = symbolic_value(t)->node;
    if (node == nullptr || symbolic_arguments(*node).empty()) return t;
    const auto copied = [this](const Tensor& leaf) { return (*this)(leaf); };
    auto copy = make_node(node->operation, node->args.map(copied), node->kwargs.map(copied), node->outputs,
                          node->names);
    for (const Tensor& mask : node->masks) copy->masks.push_back(mask.defined() ? (*this)(mask) : mask);
    if (const auto* call = dynamic_cast<const LayerOperation*>(node->operation.get())) {
      call->layer()->core().nodes.push_back(copy);
    }
    const auto results = node_outputs(copy);
    for (size_t i = 0; i < results.size(); ++i) known_[{node.get(), static_cast<int>(i)}] = results[i];
    copies_.push_back(std::move(copy));
    return known_.at(identity(t));
  }

 private:
  std::map<Identity, Tensor> known_;
  std::vector<NodePtr> copies_;
};

void require_keras_tensors(std::string_view where, const Nest& nest, const char* what) {
  const auto leaves = nest.flatten();
  if (leaves.empty()) {
    fail<ValueError>({where, fmt::format("A functional model needs {}", what), "none", ""});
  }
  for (const Tensor& t : leaves) {
    if (is_keras_tensor(t)) continue;
    fail<ValueError>({where, fmt::format("The {} of a functional model must be KerasTensors", what),
                      fmt::format("a tensor with values, of shape {}", t.shape().to_string()),
                      "begin with Input(...) and call layers on it"});
  }
}

std::string input_names(const Nest& inputs) {
  std::string out;
  if (inputs.is_dict()) {
    for (const auto& [key, item] : inputs.items()) out += (out.empty() ? "" : ", ") + key;
    return "{" + out + "}";
  }
  for (const Tensor& t : inputs.flatten()) out += (out.empty() ? "" : ", ") + symbolic_value(t)->name;
  return inputs.is_leaf() ? out : "[" + out + "]";
}

std::string describe(const Nest& x) {
  switch (x.kind()) {
    case Nest::Kind::none:
      return "none";
    case Nest::Kind::leaf:
      return "shape " + x.tensor().shape().to_string();
    case Nest::Kind::list:
      return fmt::format("a list of {}", x.size());
    case Nest::Kind::dict: {
      std::string out;
      for (const auto& [key, item] : x.items()) out += (out.empty() ? "" : ", ") + key;
      return "{" + out + "}";
    }
  }
  return "";
}

// A value cast to what an Input declares; a last axis of 1 added or dropped when that makes the ranks agree.
Tensor fit_to_input(std::string_view where, const Tensor& value, const TensorType& declared) {
  Tensor x = value;
  const int wanted = declared.shape.rank();
  if (x.rank() == wanted - 1 && declared.shape.back() == Dim(1)) {
    x = ops::expand_dims(x, -1);
  } else if (x.rank() == wanted + 1 && x.dim(-1) == Dim(1)) {
    x = ops::squeeze(x, -1);
  }
  bool fits = x.rank() == wanted;
  for (int i = 0; fits && i < wanted; ++i) {
    const Dim d = declared.shape[static_cast<size_t>(i)];
    const Dim given = x.shape()[static_cast<size_t>(i)];
    fits = !d.known() || !given.known() || d == given;
  }
  if (!fits) {
    fail<ValueError>({where, fmt::format("The input must have the shape {}", declared.shape.to_string()),
                      fmt::format("shape {}", value.shape().to_string()), ""});
  }
  return x.dtype() == declared.dtype && !x.weak() ? x : ops::cast(x, declared.dtype);
}

}  // namespace

const void* operation_identity(const Operation& operation) {
  const auto* call = dynamic_cast<const LayerOperation*>(&operation);
  return call != nullptr ? static_cast<const void*>(&call->layer()->core()) : &operation;
}

FunctionalGraph::FunctionalGraph(std::string_view where, const Nest& inputs, const Nest& outputs) {
  require_keras_tensors(where, inputs, "inputs");
  require_keras_tensors(where, outputs, "outputs");
  GraphCopy copy;
  bool whole = true;
  inputs_ = inputs.map([&](const Tensor& t) {
    if (input_layer_of(t) != nullptr) {
      copy.replace(t, t);
      return t;
    }
    whole = false;
    const auto& value = *symbolic_value(t);
    const layers::InputLayer fresh(InputLayerOptions{
        .batch_shape = t.shape(), .dtype = std::string(dtype_name(t.dtype())), .name = value.name + "CLONE"});
    copy.replace(t, fresh.output().tensor());
    return fresh.output().tensor();
  });
  outputs_ = whole ? outputs : outputs.map([&](const Tensor& t) { return copy(t); });
  flat_inputs_ = inputs_.flatten();
  flat_outputs_ = outputs_.flatten();
  order(where);
  plan(where);
}

void FunctionalGraph::order(std::string_view where) {
  // Depth first from the outputs, as Keras does, because the order of operations, and with it that of
  // weights in files, depends on it.
  std::set<const OperationNode*> finished, in_progress;
  std::vector<NodePtr> found;
  std::map<const void*, int> traversal;
  const auto visit = [&](const auto& self, const Tensor& t) -> void {
    const NodePtr node = symbolic_value(t)->node;
    if (node == nullptr || finished.contains(node.get())) return;
    if (!in_progress.insert(node.get()).second) {
      fail<ValueError>({where, "The graph must not have cycles", node->operation->name(), ""});
    }
    traversal.emplace(operation_identity(*node->operation), static_cast<int>(traversal.size()));
    for (const Tensor& argument : symbolic_arguments(*node)) self(self, argument);
    finished.insert(node.get());
    in_progress.erase(node.get());
    found.push_back(node);
  };
  for (const Tensor& output : flat_outputs_) visit(visit, output);

  std::map<const OperationNode*, int> node_depth;
  std::map<const void*, int> operation_depth;
  for (auto it = found.rbegin(); it != found.rend(); ++it) {
    const void* operation = operation_identity(*(*it)->operation);
    const int depth = std::max(node_depth[it->get()], operation_depth[operation]);
    node_depth[it->get()] = operation_depth[operation] = depth;
    for (const Tensor& argument : symbolic_arguments(**it)) {
      if (const auto& parent = symbolic_value(argument)->node) {
        node_depth[parent.get()] = std::max(node_depth[parent.get()], depth + 1);
      }
    }
  }
  // Inputs that nothing uses belong to the model all the same.
  for (const Tensor& input : flat_inputs_) {
    const NodePtr node = symbolic_value(input)->node;
    if (!finished.insert(node.get()).second) continue;
    traversal.emplace(operation_identity(*node->operation), -1);
    operation_depth[operation_identity(*node->operation)] = 0;
    node_depth[node.get()] = 0;
    found.push_back(node);
  }

  nodes_ = found;
  std::stable_sort(nodes_.begin(), nodes_.end(), [&](const NodePtr& a, const NodePtr& b) {
    return node_depth[a.get()] > node_depth[b.get()];
  });
  std::map<const void*, Entry> entries;
  for (const NodePtr& node : found) {
    auto& entry = entries[operation_identity(*node->operation)];
    entry.operation = node->operation;
    if (const auto* call = dynamic_cast<const LayerOperation*>(node->operation.get())) {
      entry.layer = call->layer();
    }
    entry.nodes.push_back(node);
  }
  std::vector<const void*> keys;
  for (auto& [key, entry] : entries) {
    std::sort(entry.nodes.begin(), entry.nodes.end(),
              [](const NodePtr& a, const NodePtr& b) { return a->serial < b->serial; });
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end(), [&](const void* a, const void* b) {
    return std::pair(-operation_depth[a], traversal[a]) < std::pair(-operation_depth[b], traversal[b]);
  });
  std::set<std::string> names;
  for (const void* key : keys) {
    auto& entry = entries[key];
    const std::string& name = entry.name();
    if (!names.insert(name).second) {
      fail<ValueError>({where, "All operations of a model need names of their own",
                        fmt::format("'{}' twice", name), "pass a name to the layer"});
    }
    for (size_t i = 0; i < entry.nodes.size(); ++i) {
      place_[entry.nodes[i].get()] = {operations_.size(), i};
    }
    operations_.push_back(std::move(entry));
  }
}

void FunctionalGraph::plan(std::string_view where) {
  std::map<Identity, int> place;
  for (const Tensor& input : flat_inputs_) place.emplace(identity(input), values_++);
  std::vector<int> last_use;
  const auto disconnected = [&](const Tensor& t, const std::string& user) {
    fail<ValueError>(
        {where, "Every output must depend on the model's inputs alone",
         fmt::format("'{}', which {} needs, depends on something else", symbolic_value(t)->name, user),
         "add the missing Input to the inputs"});
  };
  for (const NodePtr& node : nodes_) {
    const auto arguments = symbolic_arguments(*node);
    if (arguments.empty()) continue;
    Step step{node, {}, values_, {}};
    for (const Nest* nest : {&node->args, &node->kwargs}) {
      for (const Nest& leaf : flatten_with_none(*nest)) {
        if (!leaf.is_leaf() || !is_keras_tensor(leaf.tensor())) {
          step.sources.push_back(-1);
          continue;
        }
        const auto it = place.find(identity(leaf.tensor()));
        if (it == place.end()) disconnected(leaf.tensor(), "'" + node->operation->name() + "'");
        step.sources.push_back(it->second);
      }
    }
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      place.emplace(Identity{node.get(), static_cast<int>(i)}, values_++);
    }
    steps_.push_back(std::move(step));
  }
  last_use.assign(static_cast<size_t>(values_), -1);
  for (size_t s = 0; s < steps_.size(); ++s) {
    for (const int source : steps_[s].sources) {
      if (source >= 0) last_use[static_cast<size_t>(source)] = static_cast<int>(s);
    }
  }
  for (const Tensor& output : flat_outputs_) {
    const auto it = place.find(identity(output));
    if (it == place.end()) disconnected(output, "an output");
    output_values_.push_back(it->second);
    last_use[static_cast<size_t>(it->second)] = -1;
  }
  for (int v = 0; v < values_; ++v) {
    const int s = last_use[static_cast<size_t>(v)];
    if (s >= 0) steps_[static_cast<size_t>(s)].last_uses.push_back(v);
  }
}

std::vector<LayerHandle> FunctionalGraph::layers() const {
  std::vector<LayerHandle> out;
  for (const auto& entry : operations_) {
    if (entry.layer) out.emplace_back(entry.layer);
  }
  return out;
}

bool FunctionalGraph::chain() const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const auto arguments = symbolic_arguments(*nodes_[i]);
    if (arguments.size() != (i == 0 ? 0u : 1u)) return false;
    if (i > 0 && symbolic_value(arguments[0])->node != nodes_[i - 1]) return false;
  }
  return std::all_of(operations_.begin(), operations_.end(),
                     [](const Entry& entry) { return entry.nodes.size() == 1; });
}

size_t FunctionalGraph::call_index(const OperationNode& node) const { return place_.at(&node).second; }

const FunctionalGraph::Entry& FunctionalGraph::entry_of(const OperationNode& node) const {
  return operations_[place_.at(&node).first];
}

std::vector<Tensor> FunctionalGraph::standardize(std::string_view where, const Nest& x) const {
  Nest given = x;
  const auto mismatch = [&] {
    fail<ValueError>(
        {where, fmt::format("The model's inputs are {}", input_names(inputs_)), describe(x), ""});
  };
  if (inputs_.is_dict() && x.is_dict()) {
    std::vector<Nest::Item> items;
    for (const auto& [key, item] : inputs_.items()) {
      const bool optional = item.is_leaf() && input_layer_of(item.tensor())->options().optional;
      if (!x.contains(key) && !optional) mismatch();
      items.emplace_back(key, x.contains(key) ? x[key] : Nest());
    }
    given = Nest::dict(std::move(items));
  } else if (x.is_dict()) {
    std::vector<Nest> items;
    for (const Tensor& t : flat_inputs_) {
      const auto& name = symbolic_value(t)->name;
      if (!x.contains(name)) mismatch();
      items.push_back(x[name]);
    }
    given = Nest(std::move(items));
  } else if (inputs_.is_dict()) {
    // A list goes to the keys in their order, which must then be the alphabetical one, as in Keras.
    const auto& items = inputs_.items();
    if (!std::is_sorted(items.begin(), items.end(), [](auto& a, auto& b) { return a.first < b.first; })) {
      mismatch();
    }
  }
  std::vector<Tensor> flat;
  for (const Nest& leaf : flatten_with_none(given)) flat.push_back(leaf.is_none() ? Tensor() : leaf.tensor());
  if (flat.size() != flat_inputs_.size()) mismatch();
  for (size_t i = 0; i < flat.size(); ++i) {
    const auto* layer = input_layer_of(flat_inputs_[i]);
    if (!flat[i].defined()) {
      if (layer->options().optional) continue;
      fail<ValueError>({where, fmt::format("The input '{}' is not optional", layer->name()), "none", ""});
    }
    const std::string at = fmt::format("{}, input '{}'", where, layer->name());
    Tensor fitted = fit_to_input(at, flat[i], layer->type());
    if (const Tensor mask = flat[i].mask(); mask.defined() && !fitted.same(flat[i])) fitted.set_mask(mask);
    flat[i] = std::move(fitted);
  }
  return flat;
}

Nest FunctionalGraph::run(const std::vector<Tensor>& inputs, const Call& call) const {
  std::vector<Tensor> values(static_cast<size_t>(values_));
  std::copy(inputs.begin(), inputs.end(), values.begin());
  for (const Step& step : steps_) {
    size_t next = 0;
    const auto with_values = [&](const Nest& form) {
      auto leaves = flatten_with_none(form);
      for (Nest& leaf : leaves) {
        const int source = step.sources[next++];
        if (source < 0) continue;
        const Tensor& value = values[static_cast<size_t>(source)];
        leaf = value.defined() ? Nest(value) : Nest();
      }
      return pack_with_none(form, leaves);
    };
    const Nest args = with_values(step.node->args);
    const Nest kwargs = with_values(step.node->kwargs);
    auto results =
        call ? call(*step.node, args, kwargs) : call_in_remat_mode(step.node->operation, args, kwargs);
    for (size_t i = 0; i < results.size(); ++i) {
      values[static_cast<size_t>(step.first_result) + i] = std::move(results[i]);
    }
    for (const int v : step.last_uses) values[static_cast<size_t>(v)] = Tensor();
  }
  std::vector<Tensor> outputs;
  for (const int v : output_values_) outputs.push_back(values[static_cast<size_t>(v)]);
  return outputs_.pack(outputs);
}

}  // namespace keras::internal
