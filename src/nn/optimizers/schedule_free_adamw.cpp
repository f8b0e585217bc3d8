// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/schedule_free_adamw.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(ScheduleFreeAdamW, "schedulefreeadamw");

void ScheduleFreeAdamW::build_slots(const std::vector<Variable>& variables) {
  slots_ = add_optimizer_variables(variables, {"momentum", "velocity"});
  for (size_t i = 0; i < variables.size(); ++i) {
    if (slots_[0][i].defined()) slots_[0][i].assign(variables[i].value());
  }
}

void ScheduleFreeAdamW::update_step(const Tensor& gradient, const Variable& variable, size_t index,
                                    const Tensor& rate) {
  const DType dtype = variable.dtype();
  const Tensor g = ops::cast(gradient, dtype);
  const Tensor step = ops::cast(update_count() + 1, dtype);
  const double beta = options_.beta_1;
  Tensor lr = ops::cast(rate, dtype);
  if (options_.warmup_steps > 0) {
    lr = lr * ops::minimum(step / static_cast<double>(options_.warmup_steps), 1.0);
  }
  const Variable& iterate = slots_[0][index];
  const Variable& velocity = slots_[1][index];
  velocity.assign_add((ops::square(g) - velocity) * (1 - options_.beta_2));
  const Tensor root = ops::sqrt(velocity / (1 - ops::power(options_.beta_2, step))) + options_.epsilon;
  iterate.assign_sub(lr * g / root);
  const Tensor z = iterate.value();
  // The variable is y = (1 - beta) z + beta x, x being the average of the iterates z. Keras takes the old x
  // from the old y and, except on JAX, from the new z; so do we, for the same steps.
  const Tensor x_old = (variable - (1 - beta) * z) / beta;
  const Tensor weight = 1.0 / step;
  const Tensor x = (1 - weight) * x_old + weight * z;
  variable.assign((1 - beta) * z + beta * x);
}

}  // namespace keras::optimizers
