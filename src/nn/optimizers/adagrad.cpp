// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/adagrad.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Adagrad, "adagrad");

void Adagrad::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"accumulator"}, {options_.initial_accumulator_value});
}

void Adagrad::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                         const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_ADAGRAD);
  rule.epsilon = options_.epsilon;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
