// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/sgd.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(SGD, "sgd");

SGD::SGD(SGDOptions options) : ConfiguredOptimizer(std::move(options)) {
  if (!(options_.momentum >= 0 && options_.momentum <= 1)) {
    internal::fail<ValueError>(
        {kClassName, "momentum must be in [0, 1]", fmt::format("{}", options_.momentum), ""});
  }
}

void SGD::build_slots(const std::vector<Variable>& variables) {
  if (options_.momentum != 0) slots_ = add_optimizer_variables(variables, {"momentum"});
}

void SGD::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                     const std::vector<size_t>& indices, const Tensor& rate) {
  UpdateAttributes rule = one_pass_rule(KERAS_UPDATE_SGD);
  rule.momentum = options_.momentum;
  rule.nesterov = options_.nesterov ? 1 : 0;
  internal::update_many(rule, rate, update_count(), {}, gradients, variables, indices, slots_);
}

}  // namespace keras::optimizers
