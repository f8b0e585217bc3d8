// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "keras/graph/op.h"

namespace keras {

/// A flat program in static single assignment form: what a trace makes, the compiler improves and a
/// backend executes. Every value is an input, a constant, or made by exactly one node; nodes stand in an
/// order in which they can run. Numbers of values that passes took out stay unused.
class Graph {
 public:
  /// Number of a value.
  using Value = int32_t;

  /// One op of the program.
  struct Node {
    OpId op;                          ///< what it computes
    std::vector<uint8_t> attributes;  ///< bytes of the op's attribute struct, dimensions possibly symbolic
    std::vector<Value> inputs;        ///< the operands
    std::vector<Value> outputs;       ///< the op's results, then its residuals
    int residuals = 0;                ///< how many of the outputs are residuals
    std::vector<std::shared_ptr<const Graph>> regions;  ///< bodies and branches of control flow
  };

  /// A value that is known when the program is made: a tensor that a trace captured, or one that was folded.
  struct Constant {
    Value value;    ///< its number
    Tensor tensor;  ///< what it is
  };

  /// Adds an input, at any time: its place among the operands is the order of these calls.
  Value add_input(const TensorType& type);
  /// Adds a constant. Throws ValueError for an abstract tensor. Regions have no constants of their own: they
  /// capture them from the program around them.
  Value add_constant(Tensor tensor);
  /// Adds a node; its result types come from the op's shape rule. `residual_types` are appended to the
  /// outputs.
  std::vector<Value> add_node(OpId op, const void* attributes, const std::vector<Value>& inputs,
                              std::vector<std::shared_ptr<const Graph>> regions = {},
                              const std::vector<TensorType>& residual_types = {});
  /// Adds a node with one result.
  template <class A>
  Value add(OpId op, const A& attributes, const std::vector<Value>& inputs) {
    return add_node(op, &attributes, inputs).front();
  }
  /// Puts the inputs in another order.
  void set_inputs(std::vector<Value> inputs) { inputs_ = std::move(inputs); }
  /// Says which values the program gives.
  void set_outputs(std::vector<Value> outputs) { outputs_ = std::move(outputs); }

  /// The parts of the program.
  ///@{
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Constant>& constants() const { return constants_; }
  std::vector<Constant>& constants() { return constants_; }
  const std::vector<TensorType>& types() const { return types_; }
  std::vector<TensorType>& types() { return types_; }
  const TensorType& type(Value v) const { return types_[static_cast<size_t>(v)]; }
  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& nodes() { return nodes_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  ///@}

  /// Adds a value that a node appended by hand will make.
  Value add_value(const TensorType& type);

  /// A line per node: "%3 = add(%1, %2) : float32(None, 4)".
  std::string to_string() const;
  /// The graph in Graphviz' dot language.
  std::string to_dot() const;

 private:
  std::vector<Value> inputs_;
  std::vector<Constant> constants_;
  std::vector<TensorType> types_;
  std::vector<Node> nodes_;
  std::vector<Value> outputs_;
};

}  // namespace keras
