// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/rmsprop.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(RMSprop, "rmsprop");

void RMSprop::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"velocity"});
  if (options_.momentum > 0) slots_.push_back(add_optimizer_variables(variables, {"momentum"})[0]);
  if (options_.centered) slots_.push_back(add_optimizer_variables(variables, {"average_gradient"})[0]);
}

void RMSprop::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                         const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_RMSPROP);
  rule.beta_1 = options_.rho;
  rule.momentum = options_.momentum;
  rule.epsilon = options_.epsilon;
  rule.centered = options_.centered ? 1 : 0;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
