// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/adamw.h"

#include "keras/base/error.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(AdamW, "adamw");

AdamW::AdamW(AdamWOptions options) : ConfiguredOptimizer(std::move(options)) {
  if (!options_.weight_decay) {
    internal::fail<ValueError>({kClassName, "weight_decay must be a number", "none", "Adam decays nothing"});
  }
}

void AdamW::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum", "velocity"});
  if (options_.amsgrad) slots_.push_back(add_optimizer_variables(variables, {"velocity_hat"})[0]);
}

void AdamW::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                       const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_ADAM);
  rule.beta_1 = options_.beta_1;
  rule.beta_2 = options_.beta_2;
  rule.epsilon = options_.epsilon;
  rule.amsgrad = options_.amsgrad ? 1 : 0;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
