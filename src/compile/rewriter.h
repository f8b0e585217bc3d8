// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "keras/graph/graph.h"

namespace keras::internal {

/// Writes a program anew, from its first node to its last:
///
///     Rewriter rewriter(graph);
///     while (const Graph::Node* node = rewriter.next()) {
///       if (is_useless(*node)) rewriter.replace(node->inputs[0]); else rewriter.keep();
///     }
///     rewriter.finish();
///
/// Operands of the present node are those that stand for them by now. Nodes may be added before it.
class Rewriter {
 public:
  using Value = Graph::Value;
  using Node = Graph::Node;
  static constexpr Value kNone = -1;

  explicit Rewriter(Graph& graph);
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  /// Moves on; nullptr at the end. The node stays valid until the next call.
  Node* next();
  /// The present node stays, with what was changed in it.
  void keep();
  /// The present node goes, and this value stands for its only result. Throws ValueError when the types
  /// differ.
  void replace(Value by);
  /// The same for a node with many results; kNone for one that nothing reads.
  void replace(std::span<const Value> by);

  /// From here on `by` stands for `old`.
  void substitute(Value old, Value by);
  /// Lets an operand of the present node read another value of the same type.
  void reroute(Value& operand, Value by);
  /// Adds an operand to the present node.
  void add_operand(std::vector<Value>& operands, Value v);
  bool same_types(std::span<const Value> a, std::span<const Value> b) const;

  /// Adds a node of one result before the present one.
  Value add(OpId op, const void* attributes, const std::vector<Value>& inputs);
  template <class A>
  requires std::is_class_v<A> Value add(OpId op, const A& attributes, const std::vector<Value>& inputs) {
    return add(op, static_cast<const void*>(&attributes), inputs);
  }
  Value add(OpId op, const std::vector<Value>& inputs);
  /// Adds a finished node, results included.
  void append(Node node);
  /// A new value, for a node to be appended.
  Value add_value(const TensorType& type);
  /// A tensor known now. Not in regions.
  Value add_constant(Tensor tensor);
  /// A further input of the program.
  Value add_input(const TensorType& type);
  /// Adds the nodes of a region that takes these operands; gives its outputs.
  std::vector<Value> splice(const Graph& region, std::span<const Value> operands);

  /// Puts the program together. Nodes whose results were read before, and no longer are, go.
  void finish();

  const Graph& graph() const { return graph_; }
  const TensorType& type(Value v) const { return graph_.type(v); }
  /// What stands for a value by now.
  Value resolve(Value v) const;
  /// The node, among those written so far, that makes the value; nullptr for inputs and constants. Valid
  /// until a node is added.
  const Node* maker(Value v) const;
  /// The same when it is this op, else nullptr.
  const Node* maker(Value v, OpId op) const;
  /// The tensor behind a value, nullptr unless it is one known when the program was made.
  const Tensor* constant(Value v) const;
  /// How many operands and outputs of the program the value is.
  int readers(Value v) const { return readers_[static_cast<size_t>(v)]; }

 private:
  void grow();
  void note_maker(const Node& node);
  void drop_unread();

  Graph& graph_;
  std::vector<Node> before_;
  size_t position_ = 0;
  Node present_;
  mutable std::vector<Value> stands_for_;
  std::vector<int32_t> maker_;     // index into graph_.nodes(), -1: none
  std::vector<int32_t> constant_;  // index into graph_.constants(), -1: none
  std::vector<int32_t> readers_;
  std::vector<bool> was_read_;
};

/// The attribute struct of a node.
template <class A>
const A& attributes_of(const Graph::Node& node) {
  return *reinterpret_cast<const A*>(node.attributes.data());
}

/// True for a node that does more than compute its results.
bool has_effects(const Graph::Node& node);

/// For each input of a program, whether these outputs (or a node with effects) need it.
std::vector<bool> needed_inputs(const Graph& graph, std::span<const Graph::Value> outputs);

/// What takes the place of an input: another input, or a number everywhere.
struct InputSubstitute {
  Graph::Value input;
  Graph::Value by = Rewriter::kNone;
  std::optional<ConstantAttributes> number = std::nullopt;
};

/// A copy of a program with only the inputs named, in that order, these outputs, and the nodes they need.
/// Inputs that are left out have a substitute, or must not be needed.
std::shared_ptr<const Graph> extract(const Graph& graph, std::span<const Graph::Value> inputs,
                                     std::span<const Graph::Value> outputs,
                                     std::span<const InputSubstitute> substitutes = {});

}  // namespace keras::internal
