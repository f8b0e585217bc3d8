// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/interpreter.h"

#include "keras/runtime/variable.h"

namespace keras::internal {

namespace {
thread_local Interpreter* top = nullptr;
}  // namespace

Interpreter& current_interpreter() { return top != nullptr ? *top : eager_interpreter(); }

Interpreter* top_interpreter() { return top; }
Interpreter* interpreter_below(const Interpreter& interpreter) { return interpreter.below_; }

void push_interpreter(Interpreter& interpreter) {
  interpreter.below_ = &current_interpreter();
  top = &interpreter;
}

void remove_interpreter(Interpreter& interpreter) {
  Interpreter* below = interpreter.below_;
  Interpreter* const bottom = &eager_interpreter();
  if (top == &interpreter) {
    top = below == bottom ? nullptr : below;
    return;
  }
  for (Interpreter* i = top; i != nullptr && i != bottom; i = i->below_) {
    if (i->below_ == &interpreter) {
      i->below_ = below;
      return;
    }
  }
}

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
