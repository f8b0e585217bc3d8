// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/nadam.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Nadam, "nadam");

void Nadam::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum", "velocity"});
  const DType dtype = variables.empty() ? floatx() : variables[0].dtype();
  product_ = add_variable(ops::ones({}, dtype), "variable", "variable");
}

void Nadam::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                       const std::vector<size_t>& indices, const Tensor& rate) {
  // The product of all momentum factors so far.
  const Tensor step = ops::cast(update_count() + 1, product_.dtype());
  product_.assign(product_.value() * options_.beta_1 * (1.0 - 0.5 * ops::power(0.96, step)));
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_NADAM);
  rule.beta_1 = options_.beta_1;
  rule.beta_2 = options_.beta_2;
  rule.epsilon = options_.epsilon;
  internal::update_many(rule, rate, update_count(), product_.value(), gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
