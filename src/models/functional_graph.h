// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/ops/operation.h"

namespace keras::internal {

/// The graph of operations between some inputs and some outputs, all KerasTensors: what a functional model
/// runs and writes into files.
class FunctionalGraph {
 public:
  /// Finds the graph. Inputs that no InputLayer gave are replaced by new inputs, with the part of the graph
  /// behind them copied (the layers are shared). Throws ValueError, naming `where`, when an output does not
  /// depend on the inputs alone, or two operations have one name.
  FunctionalGraph(std::string_view where, const Nest& inputs, const Nest& outputs);

  /// One operation, and its calls within this graph, in the order in which they were made.
  struct Entry {
    std::shared_ptr<Operation> operation;
    std::shared_ptr<Layer> layer;  ///< null for a function of keras.ops
    std::vector<std::shared_ptr<const OperationNode>> nodes;
    /// In files and messages.
    const std::string& name() const { return layer ? layer->name() : operation->name(); }
  };

  const Nest& inputs() const { return inputs_; }
  const Nest& outputs() const { return outputs_; }
  /// In Keras' order: by depth, then as met from the outputs.
  const std::vector<Entry>& operations() const { return operations_; }
  /// The layers among them.
  std::vector<LayerHandle> layers() const;
  /// Which call of its operation a node is.
  size_t call_index(const OperationNode& node) const;
  /// The operation of a node, and the name under which it stands in files.
  const Entry& entry_of(const OperationNode& node) const;

  /// True when each node has at most one input, the node before it, and no operation is called twice.
  bool chain() const;

  /// Inputs of the form that was declared: chosen by name, cast, ranks adjusted. An optional input that is
  /// not given is an undefined tensor. Throws ValueError for anything that does not fit.
  std::vector<Tensor> standardize(std::string_view where, const Nest& x) const;
  /// What a node computes, from its arguments with values in place of KerasTensors.
  using Call =
      std::function<std::vector<Tensor>(const OperationNode& node, const Nest& args, const Nest& kwargs)>;
  /// The outputs for standardized inputs; `call` stands in for the operations' own.
  Nest run(const std::vector<Tensor>& inputs, const Call& call = {}) const;

 private:
  struct Step {
    std::shared_ptr<const OperationNode> node;
    std::vector<int> sources;  ///< of each leaf (None, too) of args, then kwargs: a value's place, or -1 for
                               ///< what stays as it is
    int first_result = 0;      ///< results lie in successive places
    std::vector<int> last_uses;  ///< values that nothing needs after this step
  };
  void order(std::string_view where);
  void plan(std::string_view where);

  Nest inputs_, outputs_;
  std::vector<Tensor> flat_inputs_, flat_outputs_;
  std::vector<std::shared_ptr<const OperationNode>> nodes_;  ///< each after those that it needs
  std::vector<Entry> operations_;
  std::map<const OperationNode*, std::pair<size_t, size_t>> place_;  ///< operation, call
  std::vector<Step> steps_;
  std::vector<int> output_values_;
  int values_ = 0;
};

/// What makes two nodes calls of one operation: a layer's state, or the operation itself.
const void* operation_identity(const Operation& operation);

}  // namespace keras::internal
