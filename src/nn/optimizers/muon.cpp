// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/muon.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <regex>

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(Muon, "muon");

bool Muon::stepped_by_adam(const Variable& variable) const {
  if (variable.shape().rank() != 2) return true;
  std::string lower = variable.path();
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (options_.exclude_embeddings && lower.find("embedding") != std::string::npos) return true;
  return std::any_of(
      options_.exclude_layers.begin(), options_.exclude_layers.end(),
      [&](const std::string& name) { return std::regex_search(variable.path(), std::regex(name)); });
}

void Muon::build_slots(const std::vector<Variable>& variables) {
  slots_.assign(2, std::vector<Variable>(variables.size()));
  for (size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].slot().overwrite_with_gradient.value_or(false)) continue;
    slots_[0][i] = add_variable_from_reference(variables[i], "momentum");
    if (stepped_by_adam(variables[i])) slots_[1][i] = add_variable_from_reference(variables[i], "velocity");
  }
}

void Muon::decay(const std::vector<Variable>& variables, const Tensor& rate) const {
  for (const auto& v : variables) {
    const auto& fraction = stepped_by_adam(v) ? options_.adam_weight_decay : options_.weight_decay;
    if (!fraction || !amends_decay(v)) continue;
    const Tensor value = v.value();
    v.assign(value - value * *fraction * ops::cast(rate, v.dtype()));
  }
}

namespace {

// The nearest orthogonal matrix, by Newton and Schulz' iteration of fifth order.
Tensor orthogonalized(Tensor x, const MuonOptions& o) {
  const bool tall = x.dim(-2).value() > x.dim(-1).value();
  if (tall) x = ops::transpose(x);
  x = x / (ops::sqrt(ops::sum(ops::square(x))) + 1e-7);
  for (int64_t i = 0; i < o.ns_steps; ++i) {
    const Tensor a = ops::matmul(x, ops::transpose(x));
    const Tensor b = o.muon_b * a + ops::matmul(o.muon_c * a, a);
    x = o.muon_a * x + ops::matmul(b, x);
  }
  return tall ? ops::transpose(x) : x;
}

}  // namespace

void Muon::update_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate) {
  if (slots_[1][index].defined()) {
    adam_step(gradient, variable, index, rate * options_.adam_lr_ratio);
    return;
  }
  const Tensor g = ops::cast(gradient, variable.dtype());
  const Variable& m = slots_[0][index];
  m.assign_add(g + m * (options_.momentum - 1));
  const Tensor direction = options_.nesterov ? g + options_.momentum * m.value() : m.value();
  Tensor update = ops::cast(rate, variable.dtype()) * orthogonalized(direction, options_);
  if (options_.rms_rate) {
    const auto longer = static_cast<double>(std::max(update.dim(0).value(), update.dim(1).value()));
    update = update * std::sqrt(longer) * *options_.rms_rate;
  }
  variable.assign_sub(update);
}

void Muon::adam_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate) {
  const DType dtype = variable.dtype();
  const Tensor g = ops::cast(gradient, dtype);
  const Tensor step = ops::cast(update_count() + 1, dtype);
  const Variable& m = slots_[0][index];
  const Variable& v = slots_[1][index];
  const Tensor alpha = ops::cast(rate, dtype) * ops::sqrt(1 - ops::power(options_.adam_beta_2, step)) /
                       (1 - ops::power(options_.adam_beta_1, step));
  m.assign_add((g - m) * (1 - options_.adam_beta_1));
  v.assign_add((ops::square(g) - v) * (1 - options_.adam_beta_2));
  variable.assign_sub(m * alpha / (ops::sqrt(v) + options_.epsilon));
}

}  // namespace keras::optimizers
