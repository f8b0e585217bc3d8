// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/lamb.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Lamb);

void Lamb::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum", "velocity"});
}

void Lamb::update_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate) {
  const DType dtype = variable.dtype();
  const Tensor g = ops::cast(gradient, dtype);
  const Tensor step = ops::cast(update_count() + 1, dtype);
  const Variable& m = slots_[0][index];
  const Variable& v = slots_[1][index];
  m.assign_add((g - m) * (1 - options_.beta_1));
  v.assign_add((ops::square(g) - v) * (1 - options_.beta_2));
  const Tensor mean = m / (1.0 - ops::power(options_.beta_1, step));
  const Tensor root = ops::sqrt(v / (1.0 - ops::power(options_.beta_2, step))) + options_.epsilon;
  const Tensor update = mean / root;
  const Tensor weight_norm = ops::sqrt(ops::sum(ops::square(variable)));
  const Tensor update_norm = ops::sqrt(ops::sum(ops::square(update)));
  const Tensor both = ops::logical_and(weight_norm > 0, update_norm > 0);
  const Tensor ratio = ops::where(both, weight_norm / update_norm, 1.0);
  variable.assign_sub(ratio * ops::cast(rate, dtype) * update);
}

}  // namespace keras::optimizers
