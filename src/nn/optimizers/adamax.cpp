// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/adamax.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Adamax, "adamax");

void Adamax::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum", "norm"});
}

void Adamax::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                        const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_ADAMAX);
  rule.beta_1 = options_.beta_1;
  rule.beta_2 = options_.beta_2;
  rule.epsilon = options_.epsilon;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
