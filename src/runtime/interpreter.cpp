// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/interpreter.h"

#include "keras/runtime/variable.h"

namespace keras::internal {

namespace {
thread_local Interpreter* top = nullptr;
}  // namespace

Interpreter& current_interpreter() { return top != nullptr ? *top : eager_interpreter(); }

Tensor Interpreter::read(VariableSlot& variable) { return below_->read(variable); }
void Interpreter::assign(VariableSlot& variable, Tensor value) { below_->assign(variable, std::move(value)); }

InterpreterScope::InterpreterScope(Interpreter& interpreter) : previous_(top) {
  interpreter.below_ = &current_interpreter();
  top = &interpreter;
}
InterpreterScope::InterpreterScope(Interpreter& interpreter, Replace) : previous_(top) { top = &interpreter; }
InterpreterScope::~InterpreterScope() { top = previous_; }

Tensors apply(const OpCall& call) {
  if (top != nullptr) return top->apply(call);
  return eager_interpreter().apply(call);
}

Tensors apply(OpId op, const void* attributes, std::span<const Tensor> operands) {
  return apply(OpCall{&op_def(op), attributes, operands, false, {}, {}});
}

}  // namespace keras::internal
