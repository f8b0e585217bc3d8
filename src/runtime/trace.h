// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras::internal {

/// The interpreter that writes down what happens instead of computing it: one program, or one region of it.
///
/// Values known at trace time stay known: an op on concrete tensors alone is computed at once while its
/// result is small, so that code which reads sizes and indices goes on working. Concrete tensors that meet a
/// traced one become constants of the program; a region takes them, and values of the program around it, as
/// captures.
class Trace final : public Interpreter {
 public:
  /// A variable as the program sees it. Its first reading makes it an input; an assignment only changes what
  /// the next reading gives, and the last one is a result of the program.
  struct VariableUse {
    std::shared_ptr<VariableSlot> slot;
    Tensor input;    ///< the value on entry; undefined when the program never reads it
    Tensor current;  ///< the value after what was traced so far
    bool assigned = false;
  };
  /// A value from outside that a region reads through an input of its own.
  struct Capture {
    Tensor outside;
    Graph::Value input;
  };

  /// A program.
  Trace();
  /// A region of the program that is being traced around it.
  struct Region {};
  explicit Trace(Region);
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// A further input.
  Tensor argument(const TensorType& type, bool weak = false);
  /// Makes this variable loop state: an input now, with whatever the region assigns.
  Tensor variable_argument(const std::shared_ptr<VariableSlot>& slot);

  Tensors apply(const OpCall& call) override;
  Tensor read(VariableSlot& variable) override;
  void assign(VariableSlot& variable, Tensor value) override;
  bool tracing() const override { return true; }

  /// The value in this program; takes in what comes from outside. Throws TypeError for a tensor of a trace
  /// that has ended.
  Graph::Value value_of(const Tensor& tensor);
  /// Ends the program with these results.
  void set_outputs(const std::vector<Tensor>& outputs);

  /// Computes a traced value now, eagerly. Throws ValueError when it depends on an input.
  Tensor step_out(const Tensor& tensor) const;

  const std::shared_ptr<Graph>& graph() const { return graph_; }
  const std::vector<VariableUse>& variables() const { return variables_; }
  const std::vector<Capture>& captures() const { return captures_; }
  /// The input through which a region reads this value from outside.
  Graph::Value capture(const Tensor& outside);
  uint64_t id() const { return id_; }

  /// Symbols of the arguments' shapes stand for these numbers where a backend must be asked.
  void set_example(DimBindings example) { example_ = std::move(example); }

 private:
  Tensor tensor_of(Graph::Value value, Residual residual = Residual::none, bool weak = false) const;
  Tensors append(const OpCall& call, int residuals, Residual kind);
  Tensors decompose(const OpCall& call);
  Graph::Value take_in(const Tensor& tensor);
  std::optional<Tensors> known(const OpCall& call) const;
  VariableUse* find(const VariableSlot& variable);

  uint64_t id_;
  bool region_;
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  std::vector<VariableUse> variables_;
  std::unordered_map<const VariableSlot*, size_t> places_;
  std::vector<Capture> captures_;
  std::unordered_map<const TensorImpl*, Graph::Value> taken_;  // concrete and outer tensors, held below
  std::vector<Tensor> held_;
  DimBindings example_;
};

/// Adds something that a trace depends on beside its arguments: a default, or a scope of this thread, as a
/// number that differs when it differs. For the rooms that have such things.
bool add_trace_context(int64_t (*part)());
const std::vector<int64_t (*)()>& trace_contexts();

/// Gives the regions of one op the same inputs: their own arguments, which each of them has in the same
/// number, and after them what any of them captured. Returns those values from outside, as operands for the
/// op.
std::vector<Tensor> share_captures(std::span<Trace* const> regions);

/// Makes every function trace anew at its next call: for changes of layers that no signature shows (adapt(),
/// new weights inside a built layer).
void outdate_traces();
int64_t trace_generation();

/// Whether this thread is inside a function() that is being traced.
bool inside_trace();

/// The value that a variable made inside a trace begins with: computed eagerly, outside of the program.
Tensor concrete_initial_value(const Tensor& tensor);

/// Notes that a variable was made; a trace that is not its function's first refuses it.
void note_variable_created(const VariableSlot& slot);

/// While it lives, variables that are made belong to the function being traced (or are refused).
class CreationScope {
 public:
  enum class Rule : uint8_t { free, allowed, refused };
  explicit CreationScope(Rule rule);
  ~CreationScope();
  CreationScope(const CreationScope&) = delete;
  CreationScope& operator=(const CreationScope&) = delete;

 private:
  Rule previous_;
};

}  // namespace keras::internal
