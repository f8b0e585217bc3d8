// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/lion.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Lion, "lion");

Lion::Lion(LionOptions options) : ConfiguredOptimizer(std::move(options)) {
  if (!(options_.beta_1 > 0 && options_.beta_1 <= 1)) {
    internal::fail<ValueError>({kClassName, "beta_1 must be in (0, 1]", fmt::format("{}", options_.beta_1),
                                "with 0 the momentum would count for nothing"});
  }
}

void Lion::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum"});
}

void Lion::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                      const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_LION);
  rule.beta_1 = options_.beta_1;
  rule.beta_2 = options_.beta_2;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
