// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "keras/graph/graph.h"
#include "keras/graph/op.h"

namespace keras {

class Variable;

namespace internal {

struct VariableSlot;

/// One op about to happen: the single record behind the eager call, the tape, the trace and the plug-in call.
struct OpCall {
  const OpDef* op;
  const void* attributes;
  std::span<const Tensor> operands;
  /// The caller wants the residuals appended to the results, for a gradient.
  bool residuals = false;
  /// Operand i gives its memory to result donations[i] when nobody else holds it; -1: keeps it. May be empty.
  std::span<const int> donations = {};
  std::span<const std::shared_ptr<const Graph>> regions = {};
};

/// Something through which ops, variable reads and variable writes pass: eager execution at the bottom of a
/// thread-local stack; tape, trace, symbolic and batch interpreters push themselves while they live.
///
/// An implementation handles the call by itself or passes it on with `below()`.
class Interpreter {
 public:
  virtual ~Interpreter() = default;
  /// The results, and after them the residuals when `call.residuals` is set.
  virtual Tensors apply(const OpCall& call) = 0;
  /// The variable's value. `variable` is owned by a shared_ptr, which an implementation may take a share of.
  virtual Tensor read(VariableSlot& variable);
  virtual void assign(VariableSlot& variable, Tensor value);
  /// True for a trace: values cannot be read, and state changes must go through variables.
  virtual bool tracing() const { return false; }

 protected:
  Interpreter* below_ = nullptr;
  friend class InterpreterScope;
  friend void push_interpreter(Interpreter& interpreter);
  friend void remove_interpreter(Interpreter& interpreter);
  friend Interpreter* interpreter_below(const Interpreter& interpreter);
};

/// The eager interpreter: asks the backend for a kernel, launches it, or decomposes the op.
Interpreter& eager_interpreter();
/// The top of this thread's stack.
Interpreter& current_interpreter();

/// The top of this thread's stack, null when it is empty (then ops run eagerly).
Interpreter* top_interpreter();
Interpreter* interpreter_below(const Interpreter& interpreter);
/// Puts an interpreter on top until it is removed; unlike scopes these need not end in the reverse order.
void push_interpreter(Interpreter& interpreter);
void remove_interpreter(Interpreter& interpreter);

/// Makes an interpreter the top of this thread's stack, above the present one or above `below`.
class InterpreterScope {
 public:
  explicit InterpreterScope(Interpreter& interpreter);
  /// Puts `interpreter` on top, and restores what was there afterwards; used to step below a tape.
  struct Replace {};
  InterpreterScope(Interpreter& interpreter, Replace);
  ~InterpreterScope();
  InterpreterScope(const InterpreterScope&) = delete;
  InterpreterScope& operator=(const InterpreterScope&) = delete;

 private:
  Interpreter* previous_;
};

/// The one door: every op happens here. Results without residuals.
Tensors apply(const OpCall& call);
Tensors apply(OpId op, const void* attributes, std::span<const Tensor> operands);

/// An op of one result.
template <class A>
Tensor apply_op(OpId op, const A& attributes, std::initializer_list<Tensor> operands) {
  return std::move(
      apply(op, &attributes, std::span<const Tensor>(operands.begin(), operands.size())).front());
}
inline Tensor apply_op(OpId op, std::initializer_list<Tensor> operands) {
  static const NoAttributes none = make_attributes<NoAttributes>();
  return apply_op(op, none, operands);
}
template <class A>
Tensor apply_op(OpId op, const A& attributes, std::span<const Tensor> operands) {
  return std::move(apply(op, &attributes, operands).front());
}

/// What a gradient rule sees: the operands and results that its row in ops.def says it reads (the others are
/// undefined), and the cotangents of the results (undefined where none arrived).
struct VjpContext {
  const OpDef& op;
  const void* attributes;
  std::span<const Tensor> operands;
  std::span<const TensorType> operand_types;
  std::span<const Tensor> results;
  std::span<const TensorType> result_types;
  std::span<const Tensor> residuals;
  std::span<const Tensor> cotangents;
  std::span<const bool> needed;  ///< which operands want a cotangent
  std::span<const std::shared_ptr<const Graph>> regions;

  template <class A>
  const A& attrs() const {
    return *static_cast<const A*>(attributes);
  }
  const Tensor& operand(size_t i) const { return operands[i]; }
  const Tensor& result(size_t i = 0) const { return results[i]; }
  const Tensor& grad(size_t i = 0) const { return cotangents[i]; }
  /// The cotangent of result i, zeros where none arrived.
  Tensor grad_or_zeros(size_t i) const;
};

/// What a decomposition sees.
struct DecomposeContext {
  const OpDef& op;
  const void* attributes;
  std::span<const Tensor> operands;
  bool residuals = false;  ///< append the canonical residuals

  template <class A>
  const A& attrs() const {
    return *static_cast<const A*>(attributes);
  }
  const Tensor& operator[](size_t i) const { return operands[i]; }
};

}  // namespace internal
}  // namespace keras
