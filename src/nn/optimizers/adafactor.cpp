// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/adafactor.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Adafactor, "adafactor");

namespace {

Tensor root_mean_square(const Tensor& x) { return ops::sqrt(ops::mean(ops::square(x))); }

}  // namespace

void Adafactor::build_slots(const std::vector<Variable>& variables) {
  slots_.resize(3);
  for (const auto& v : variables) {
    const bool overwritten = v.slot().overwrite_with_gradient.value_or(false);
    const int rank = v.shape().rank();
    if (rank < 2) {
      // Keras keeps two scalars here that nothing reads; its files have them.
      for (size_t i = 0; i < 2; ++i)
        slots_[i].push_back(add_variable(ops::zeros({}, DType::int32), v.name(), v.path()));
    } else if (overwritten) {
      for (size_t i = 0; i < 2; ++i) slots_[i].push_back(Variable());
    } else {
      Shape rows(v.shape().begin(), v.shape().end() - 1);
      Shape columns(v.shape().begin(), v.shape().end() - 2);
      columns.push_back(v.shape().back());
      slots_[0].push_back(add_variable(ops::zeros(rows, v.dtype()), v.name()));
      slots_[1].push_back(add_variable(ops::zeros(columns, v.dtype()), v.name()));
    }
    slots_[2].push_back(overwritten ? Variable() : add_variable_from_reference(v, "velocity"));
  }
}

void Adafactor::update_step(const Tensor& gradient, const Variable& variable, size_t index,
                            const Tensor& rate) {
  const DType dtype = variable.dtype();
  const Tensor g = ops::cast(gradient, dtype);
  const Tensor step = ops::cast(update_count() + 1, dtype);
  const Tensor bound = 1 / ops::sqrt(step);
  const Tensor alpha = ops::maximum(options_.epsilon_2, root_mean_square(variable)) *
                       ops::minimum(ops::cast(rate, dtype), bound);
  const Tensor squares = ops::square(g) + options_.epsilon_1;
  const Tensor decay_now = 1 - ops::power(step, options_.beta_2_decay);
  const auto blend = [&](const Tensor& old, const Tensor& fresh) {
    return decay_now * old + (1 - decay_now) * fresh;
  };
  const Variable& velocity = slots_[2][index];
  if (variable.shape().rank() >= 2) {
    const Variable& rows = slots_[0][index];
    const Variable& columns = slots_[1][index];
    rows.assign(blend(rows, ops::mean(squares, -1)));
    columns.assign(blend(columns, ops::mean(squares, -2)));
    const Tensor r = rows.value();
    velocity.assign(ops::expand_dims(r / ops::mean(r, -1, true), -1) * ops::expand_dims(columns.value(), -2));
  } else {
    velocity.assign(blend(velocity, squares));
  }
  const Tensor update = g / ops::sqrt(velocity.value());
  variable.assign_sub(alpha * update / ops::maximum(1.0, root_mean_square(update) / options_.clip_threshold));
}

}  // namespace keras::optimizers
