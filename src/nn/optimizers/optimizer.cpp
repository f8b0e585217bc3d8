// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <unordered_map>

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "keras/runtime/interpreter.h"

namespace keras {

namespace {

void check_settings(const OptimizerSettings& s) {
  const int clips = (s.clipnorm ? 1 : 0) + (s.clipvalue ? 1 : 0) + (s.global_clipnorm ? 1 : 0);
  const auto positive = [&](const char* what, const std::optional<double>& value) {
    if (value && !(*value > 0)) {
      internal::fail<ValueError>(
          {s.name, fmt::format("{} must be positive", what), fmt::format("{}={}", what, *value), ""});
    }
  };
  positive("clipnorm", s.clipnorm);
  positive("clipvalue", s.clipvalue);
  positive("global_clipnorm", s.global_clipnorm);
  if (clips > 1) {
    internal::fail<ValueError>({s.name, "Only one of clipnorm, clipvalue and global_clipnorm may be set",
                                fmt::format("{} of them", clips), ""});
  }
  if (s.use_ema && !(s.ema_momentum >= 0 && s.ema_momentum <= 1)) {
    internal::fail<ValueError>(
        {s.name, "ema_momentum must be in [0, 1]", fmt::format("{}", s.ema_momentum), ""});
  }
  if (s.ema_overwrite_frequency && *s.ema_overwrite_frequency < 1) {
    internal::fail<ValueError>({s.name, "ema_overwrite_frequency must be at least 1",
                                fmt::format("{}", *s.ema_overwrite_frequency), ""});
  }
  if (s.gradient_accumulation_steps && *s.gradient_accumulation_steps < 2) {
    internal::fail<ValueError>({s.name, "gradient_accumulation_steps must be at least 2",
                                fmt::format("{}", *s.gradient_accumulation_steps), "leave it out for none"});
  }
}

std::string underscored(std::string path) {
  std::replace(path.begin(), path.end(), '/', '_');
  return path;
}

// Variables of 8-bit training, which take their gradient as their next value.
bool overwritten(const Variable& v) { return v.slot().overwrite_with_gradient.value_or(false); }

}  // namespace

Optimizer::Optimizer(OptimizerSettings settings) : settings_(std::move(settings)) {
  if (settings_.name.empty()) settings_.name = internal::auto_name("optimizer");
  check_settings(settings_);
  iterations_ = Variable(Tensor(0), DType::int64, "iteration", false);
  iterations_.slot().path = settings_.name + "/iteration";
  variables_.push_back(iterations_);
  if (!settings_.learning_rate.schedule() && !settings_.learning_rate.callable()) {
    learning_rate_ = Variable(Tensor(settings_.learning_rate.value()), floatx(), "learning_rate", false);
    learning_rate_.slot().path = settings_.name + "/learning_rate";
    variables_.push_back(learning_rate_);
  }
}

Tensor Optimizer::learning_rate() const {
  if (const auto& schedule = settings_.learning_rate.schedule()) return (*schedule)(iterations_.value());
  if (const auto& callable = settings_.learning_rate.callable())
    return ops::cast(Tensor(callable()), floatx());
  return learning_rate_.value();
}

void Optimizer::set_learning_rate(double rate) {
  if (!learning_rate_.defined()) {
    internal::fail<ValueError>({settings_.name,
                                "The learning rate of this optimizer comes from a schedule or function",
                                fmt::format("{}", rate), "make the optimizer with a number to set it later"});
  }
  learning_rate_.assign(ops::cast(Tensor(rate), learning_rate_.dtype()));
}

Variable Optimizer::add_variable(Tensor initial, std::string_view name) {
  return add_variable(std::move(initial), name, settings_.name + "/" + std::string(name));
}

Variable Optimizer::add_variable(Tensor initial, std::string_view name, std::string path) {
  Variable v(std::move(initial), std::string(name), false);
  v.slot().path = std::move(path);
  variables_.push_back(v);
  return v;
}

Variable Optimizer::add_variable_from_reference(const Variable& reference, std::string_view name,
                                                double initial) {
  return add_variable(ops::full(reference.shape(), initial, reference.dtype()),
                      underscored(reference.path()) + "_" + std::string(name));
}

std::vector<std::vector<Variable>> Optimizer::add_optimizer_variables(const std::vector<Variable>& variables,
                                                                      const std::vector<std::string>& names,
                                                                      const std::vector<double>& initials) {
  std::vector<std::vector<Variable>> lists(names.size());
  for (const auto& v : variables) {
    for (size_t i = 0; i < names.size(); ++i) {
      lists[i].push_back(
          overwritten(v) ? Variable()
                         : add_variable_from_reference(v, names[i], initials.empty() ? 0.0 : initials[i]));
    }
  }
  return lists;
}

void Optimizer::build(const std::vector<Variable>& variables) {
  if (built_) return;
  // Inside a trace, too, states get their first values now, once, and not in every run of the program.
  const internal::InterpreterScope eager(internal::eager_interpreter(),
                                         internal::InterpreterScope::Replace{});
  trainable_variables_ = variables;
  if (settings_.use_ema) averages_ = add_optimizer_variables(variables, {"average"})[0];
  if (settings_.gradient_accumulation_steps) {
    for (const auto& v : variables)
      accumulators_.push_back(add_variable_from_reference(v, "gradient_accumulator"));
  }
  build_slots(variables);
  built_ = true;
}

std::vector<size_t> Optimizer::indices_of(const std::vector<Variable>& variables) const {
  std::unordered_map<const internal::VariableSlot*, size_t> known;
  for (size_t i = 0; i < trainable_variables_.size(); ++i) known.emplace(&trainable_variables_[i].slot(), i);
  std::vector<size_t> out;
  for (const auto& v : variables) {
    const auto it = known.find(&v.slot());
    if (it == known.end()) {
      internal::fail<ValueError>({settings_.name, "An optimizer steps the variables that it was built with",
                                  v.path(), "make a new optimizer for a new set of variables"});
    }
    out.push_back(it->second);
  }
  return out;
}

Tensor Optimizer::scale_loss(const Tensor& loss) const {
  return settings_.loss_scale_factor ? loss * *settings_.loss_scale_factor : loss;
}

void Optimizer::apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  if (gradients.size() != variables.size()) {
    internal::fail<ValueError>({settings_.name, "apply takes one gradient per variable",
                                fmt::format("{} gradients, {} variables", gradients.size(), variables.size()),
                                ""});
  }
  if (gradients.empty()) return;
  const AutocastScope plain(std::nullopt);
  build(variables);
  const auto all_indices = indices_of(variables);
  std::vector<Tensor> present;
  std::vector<Variable> stepped;
  std::vector<size_t> indices;
  std::string missing;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) {
      missing += (missing.empty() ? "" : ", ") + variables[i].path();
      continue;
    }
    present.push_back(gradients[i]);
    stepped.push_back(variables[i]);
    indices.push_back(all_indices[i]);
  }
  if (present.empty()) {
    internal::fail<ValueError>(
        {settings_.name, "At least one variable must have a gradient", "none for " + missing,
         "the loss does not depend on the variables; was a value taken out of the tensors?"});
  }
  if (!missing.empty()) {
    std::fprintf(stderr, "keras: no gradient reaches the variables %s\n", missing.c_str());
  }
  take_over_gradients(present, stepped, indices);
  if (!present.empty()) {
    if (settings_.loss_scale_factor) {
      for (Tensor& g : present) g = g / *settings_.loss_scale_factor;
    }
    step(std::move(present), stepped, indices);
  }
  for (const auto& v : stepped) {
    if (v.slot().constraint) v.assign(v.slot().constraint(v.value()));
  }
  iterations_.assign_add(Tensor(1));
}

void Optimizer::take_over_gradients(std::vector<Tensor>& gradients, std::vector<Variable>& variables,
                                    std::vector<size_t>& indices) const {
  for (size_t i = variables.size(); i-- > 0;) {
    if (!overwritten(variables[i])) continue;
    const Tensor g = gradients[i];
    if (settings_.gradient_accumulation_steps) {
      // The largest of the micro-steps' values counts.
      const Variable& kept = accumulators_[indices[i]];
      const Tensor last = ops::equal((iterations_.value() + 1) % *settings_.gradient_accumulation_steps, 0);
      const Tensor largest = ops::maximum(g, kept.value());
      variables[i].assign(ops::where(last, largest, variables[i].value()));
      kept.assign(ops::where(last, ops::zeros_like(largest), largest));
    } else {
      variables[i].assign(g);
    }
    gradients.erase(gradients.begin() + static_cast<ptrdiff_t>(i));
    variables.erase(variables.begin() + static_cast<ptrdiff_t>(i));
    indices.erase(indices.begin() + static_cast<ptrdiff_t>(i));
  }
}

void Optimizer::step(std::vector<Tensor> gradients, const std::vector<Variable>& variables,
                     const std::vector<size_t>& indices) {
  const auto update = [&](std::vector<Tensor> g) {
    g = clip(std::move(g));
    const Tensor rate = learning_rate();
    if (!decays_in_update() || excludes_from_decay()) decay(variables, rate);
    update_all(g, variables, indices, rate);
  };
  if (settings_.gradient_accumulation_steps) {
    const int64_t steps = *settings_.gradient_accumulation_steps;
    for (size_t i = 0; i < gradients.size(); ++i)
      gradients[i] = gradients[i] + accumulators_[indices[i]].value();
    const Tensor last = ops::equal((iterations_.value() + 1) % steps, 0);
    ops::cond(
        last,
        [&] {
          std::vector<Tensor> mean;
          for (const Tensor& g : gradients) mean.push_back(g / static_cast<double>(steps));
          update(std::move(mean));
          for (size_t i = 0; i < accumulators_.size(); ++i) {
            if (overwritten(trainable_variables_[i])) continue;
            const Variable& a = accumulators_[i];
            a.assign(ops::zeros(a.shape(), a.dtype()));
          }
          return Nest();
        },
        [&] {
          for (size_t i = 0; i < gradients.size(); ++i) accumulators_[indices[i]].assign(gradients[i]);
          return Nest();
        });
  } else {
    update(std::move(gradients));
  }
  if (settings_.use_ema) update_averages();
}

std::vector<Tensor> Optimizer::clip(std::vector<Tensor> gradients) const {
  if (settings_.clipnorm) {
    const double limit = *settings_.clipnorm;
    for (Tensor& g : gradients) {
      const Tensor square = ops::sum(g * g);
      const Tensor positive = square > 0;
      const Tensor norm =
          ops::where(positive, ops::sqrt(ops::where(positive, square, ops::ones_like(square))), square);
      g = g * limit / ops::maximum(norm, limit);
    }
  } else if (settings_.global_clipnorm) {
    const double limit = *settings_.global_clipnorm;
    Tensor total;
    for (const Tensor& g : gradients) total = total.defined() ? total + ops::sum(g * g) : ops::sum(g * g);
    const Tensor norm = ops::sqrt(total);
    // A non-finite norm makes every gradient NaN, as in Keras, so that the failure shows.
    const Tensor scale = limit * ops::minimum(1.0 / norm, 1.0 / limit) + (norm - norm);
    for (Tensor& g : gradients) g = g * scale;
  } else if (settings_.clipvalue) {
    for (Tensor& g : gradients) g = ops::clip(g, -*settings_.clipvalue, *settings_.clipvalue);
  }
  return gradients;
}

bool Optimizer::amends_decay(const Variable& variable) const {
  for (const auto& v : decay_excluded_variables_) {
    if (v.same(variable)) return false;
  }
  for (const auto& n : decay_excluded_names_) {
    if (std::regex_search(variable.name(), std::regex(n))) return false;
  }
  return true;
}

void Optimizer::decay(const std::vector<Variable>& variables, const Tensor& rate) const {
  if (!settings_.weight_decay) return;
  for (const auto& v : variables) {
    if (!amends_decay(v)) continue;
    const Tensor value = v.value();
    v.assign(value - value * *settings_.weight_decay * ops::cast(rate, v.dtype()));
  }
}

UpdateAttributes Optimizer::one_pass_rule(int64_t rule) const {
  auto attributes = internal::make_attributes<UpdateAttributes>();
  attributes.rule = rule;
  if (settings_.weight_decay && !excludes_from_decay()) attributes.weight_decay = *settings_.weight_decay;
  return attributes;
}

void Optimizer::update_averages() {
  const Tensor count = update_count();
  const double momentum = settings_.ema_momentum;
  for (size_t i = 0; i < averages_.size(); ++i) {
    if (!averages_[i].defined()) continue;
    // The first average is the value itself: Keras zeroes the momentum at iteration 0.
    const Tensor started = ops::cast(ops::not_equal(count, 0), averages_[i].dtype());
    const Tensor m = started * momentum;
    averages_[i].assign(m * averages_[i].value() + (1.0 - m) * trainable_variables_[i].value());
  }
  if (settings_.ema_overwrite_frequency) {
    const Tensor due = ops::equal((count + 1) % *settings_.ema_overwrite_frequency, 0);
    ops::cond(
        due,
        [&] {
          take_averages();
          return Nest();
        },
        [] { return Nest(); });
  }
}

void Optimizer::finalize_variable_values(const std::vector<Variable>&) { take_averages(); }

void Optimizer::take_averages() {
  for (size_t i = 0; i < averages_.size(); ++i) {
    if (averages_[i].defined()) trainable_variables_[i].assign(averages_[i].value());
  }
}

Tensor Optimizer::update_count() const {
  const Tensor count = iterations_.value();
  if (!settings_.gradient_accumulation_steps) return count;
  return ops::floor_divide(count, *settings_.gradient_accumulation_steps);
}

void Optimizer::update_step(const Tensor&, const Variable&, size_t, const Tensor&) {
  internal::fail<UnsupportedError>(
      {settings_.name, "An optimizer must override update_step or update_all", "", ""});
}

void Optimizer::update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                           const std::vector<size_t>& indices, const Tensor& rate) {
  for (size_t i = 0; i < gradients.size(); ++i) update_step(gradients[i], variables[i], indices[i], rate);
}

void Optimizer::exclude_from_weight_decay(const std::vector<std::string>& names) {
  decay_excluded_names_.insert(decay_excluded_names_.end(), names.begin(), names.end());
}
void Optimizer::exclude_from_weight_decay(const std::vector<Variable>& variables) {
  decay_excluded_variables_.insert(decay_excluded_variables_.end(), variables.begin(), variables.end());
}

}  // namespace keras
