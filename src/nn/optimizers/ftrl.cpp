// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/ftrl.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Ftrl, "ftrl");

Ftrl::Ftrl(FtrlOptions options) : ConfiguredOptimizer(std::move(options)) {
  const auto not_negative = [](const char* name, double value) {
    if (value >= 0) return;
    internal::fail<ValueError>(
        {kClassName, fmt::format("{} must not be negative", name), fmt::format("{}={}", name, value), ""});
  };
  not_negative("initial_accumulator_value", options_.initial_accumulator_value);
  not_negative("l1_regularization_strength", options_.l1_regularization_strength);
  not_negative("l2_regularization_strength", options_.l2_regularization_strength);
  not_negative("l2_shrinkage_regularization_strength", options_.l2_shrinkage_regularization_strength);
  if (!(options_.learning_rate_power <= 0)) {
    internal::fail<ValueError>({kClassName, "learning_rate_power must not be positive",
                                fmt::format("{}", options_.learning_rate_power), ""});
  }
}

void Ftrl::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"accumulator", "linear"},
                                   {options_.initial_accumulator_value, 0.0});
}

void Ftrl::update_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate) {
  const DType dtype = variable.dtype();
  const Tensor g = ops::cast(gradient, dtype);
  const Tensor lr = ops::cast(rate, dtype);
  const Tensor w = variable.value();
  const Variable& accumulator = slots_[0][index];
  const Variable& linear = slots_[1][index];
  const double power = -options_.learning_rate_power;
  const Tensor l2 = options_.l2_regularization_strength + options_.beta / (2.0 * lr);
  const Tensor shrunk = g + 2 * options_.l2_shrinkage_regularization_strength * w;
  const Tensor old = accumulator.value();
  const Tensor sum = old + ops::square(g);
  const Tensor scale = ops::power(sum, power);
  linear.assign_add(shrunk - (scale - ops::power(old, power)) / lr * w);
  const Tensor z = linear.value();
  const double l1 = options_.l1_regularization_strength;
  variable.assign((ops::clip(z, -l1, l1) - z) / (scale / lr + 2.0 * l2));
  accumulator.assign(sum);
}

}  // namespace keras::optimizers
