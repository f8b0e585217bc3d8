// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/variable.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "runtime/trace.h"

namespace keras {

namespace {

thread_local std::optional<DType> autocast_dtype;

Tensor cast_to(const Tensor& value, DType dtype) {
  if (value.dtype() == dtype && !value.weak()) return value;
  auto attributes = internal::make_attributes<CastAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  return internal::apply_op(OpId::cast_op, attributes, {value});
}

}  // namespace

AutocastScope::AutocastScope(std::optional<DType> dtype) : previous_(autocast_dtype) {
  autocast_dtype = dtype;
}
AutocastScope::~AutocastScope() { autocast_dtype = previous_; }
std::optional<DType> AutocastScope::current() { return autocast_dtype; }

Variable::Variable() : slot_(std::make_shared<internal::VariableSlot>()) {}

Variable::Variable(Tensor initial_value, std::string name, bool trainable) : Variable() {
  initial_value = internal::concrete_initial_value(initial_value);
  slot_->dtype = initial_value.dtype();
  slot_->shape = initial_value.shape();
  {
    const internal::InterpreterScope eager(internal::eager_interpreter(),
                                           internal::InterpreterScope::Replace{});
    slot_->value = internal::placed(cast_to(initial_value, slot_->dtype));
  }
  slot_->name = slot_->path = std::move(name);
  slot_->trainable = trainable;
  internal::note_variable_created(*slot_);
  slot_->filled = true;
}

Variable::Variable(Tensor initial_value, DType dtype, std::string name, bool trainable)
    : Variable(cast_to(internal::concrete_initial_value(initial_value), dtype), std::move(name), trainable) {}

Tensor Variable::value() const {
  if (!slot_->filled) {
    internal::fail<ValueError>({"Variable", "A variable must be filled before it is read",
                                "an empty variable", "call add_weight in build(), or build the layer first"});
  }
  Tensor value = internal::current_interpreter().read(*slot_);
  if (autocast_dtype && slot_->autocast && is_float(slot_->dtype) && slot_->dtype != *autocast_dtype) {
    return cast_to(value, *autocast_dtype);
  }
  return value;
}

void Variable::assign(const Tensor& value) const {
  if (!(value.shape() == slot_->shape)) {
    internal::fail<ValueError>(
        {slot_->path, "The shape of the assigned value must be the variable's",
         fmt::format("value {}, variable {}", value.shape().to_string(), slot_->shape.to_string()), ""});
  }
  internal::current_interpreter().assign(*slot_, cast_to(value, slot_->dtype));
}

namespace {
Tensor combine(OpId op, const Variable& variable, const Tensor& delta) {
  const AutocastScope plain(std::nullopt);
  return internal::apply_op(op, {variable.value(), cast_to(delta, variable.dtype())});
}
}  // namespace

void Variable::assign_add(const Tensor& delta) const { assign(combine(OpId::add_op, *this, delta)); }
void Variable::assign_sub(const Tensor& delta) const { assign(combine(OpId::sub_op, *this, delta)); }

}  // namespace keras
