// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/adadelta.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Adadelta, "adadelta");

void Adadelta::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"accumulated_grad", "accumulated_delta_var"});
}

void Adadelta::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                          const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_ADADELTA);
  rule.beta_1 = options_.rho;
  rule.epsilon = options_.epsilon;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
