// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/constraints.h"

#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras {

namespace {

class CallableConstraint final : public Constraint {
 public:
  explicit CallableConstraint(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  std::string class_name() const override { return "callable"; }
  Tensor operator()(const Tensor& w) const override { return f_(w); }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

template <class T>
bool register_constraint(const char* alias) {
  return internal::register_configured<T, Constraint>("keras.constraints", {alias});
}

Tensor norms(const Tensor& w, const ops::Axis& axis) {
  return ops::sqrt(ops::sum(ops::square(w), axis, true));
}

// The weights with norms as desired; the fuzz factor keeps weights of zero where they are.
Tensor scaled_to(const Tensor& w, const Tensor& desired, const Tensor& present) {
  return w * (desired / (config::epsilon() + present));
}

}  // namespace

std::shared_ptr<Constraint> Constraint::from_name(const std::string& name) {
  return make_object<Constraint>(kCategory, name, Json::dict(), "constraints");
}

std::shared_ptr<Constraint> Constraint::from_callable(std::function<Tensor(const Tensor&)> f) {
  return std::make_shared<CallableConstraint>(std::move(f));
}

namespace constraints {

[[maybe_unused]] static const bool kRegistered[] = {
    register_constraint<MaxNorm>("max_norm"), register_constraint<NonNeg>("non_neg"),
    register_constraint<UnitNorm>("unit_norm"), register_constraint<MinMaxNorm>("min_max_norm")};

Tensor MaxNorm::operator()(const Tensor& w) const {
  const Tensor present = norms(w, options_.axis);
  return scaled_to(w, ops::clip(present, 0, options_.max_value), present);
}

Tensor NonNeg::operator()(const Tensor& w) const { return ops::maximum(w, 0); }

Tensor UnitNorm::operator()(const Tensor& w) const {
  return w / (config::epsilon() + norms(w, options_.axis));
}

Tensor MinMaxNorm::operator()(const Tensor& w) const {
  const Tensor present = norms(w, options_.axis);
  const Tensor inside = ops::clip(present, options_.min_value, options_.max_value);
  return scaled_to(w, options_.rate * inside + (1 - options_.rate) * present, present);
}

}  // namespace constraints
}  // namespace keras
