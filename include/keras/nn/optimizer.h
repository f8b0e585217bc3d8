// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/nn/object.h"
#include "keras/runtime/variable.h"

namespace keras {

/// The learning rate as a function of the step (keras.optimizers.schedules.LearningRateSchedule).
class LearningRateSchedule : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::schedule;
  std::string module() const override { return "keras.optimizers.schedules"; }
  /// The rate at a step; `step` is a scalar tensor, so schedules work inside traces.
  virtual Tensor operator()(const Tensor& step) const = 0;
};

/// A number, a schedule, or a function without arguments.
class LearningRate {
 public:
  LearningRate(double value) : value_(value) {}  // NOLINT: numbers are rates
  LearningRate(std::shared_ptr<LearningRateSchedule> schedule) : schedule_(std::move(schedule)) {}  // NOLINT
  template <class T>
    requires(std::is_base_of_v<LearningRateSchedule, std::remove_cvref_t<T>>)
  LearningRate(T&& schedule)  // NOLINT: schedules are rates
      : schedule_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(schedule))) {}
  LearningRate(std::function<double()> callable) : callable_(std::move(callable)) {}  // NOLINT

  double value() const { return value_; }
  const std::shared_ptr<LearningRateSchedule>& schedule() const { return schedule_; }
  const std::function<double()>& callable() const { return callable_; }

 private:
  double value_ = 0;
  std::shared_ptr<LearningRateSchedule> schedule_;
  std::function<double()> callable_;
};

/// What every optimizer takes besides its own arguments.
struct OptimizerSettings {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Settings from the fields that every optimizer's options struct repeats.
template <class Options>
OptimizerSettings settings_of(const Options& o) {
  return {o.learning_rate, o.weight_decay,  o.clipnorm,
          o.clipvalue,     o.global_clipnorm, o.use_ema,
          o.ema_momentum,  o.ema_overwrite_frequency, o.loss_scale_factor,
          o.gradient_accumulation_steps, o.name};
}

/// The base of all optimizers (keras.optimizers.Optimizer). A step is, in this order: unscale, clip, decay
/// (w -= w * weight_decay * learning_rate), update, moving average, constraints, iterations + 1.
///
/// A user's optimizer overrides `build_slots` and `update_step`.
class Optimizer : public Configurable {
 public:
  explicit Optimizer(OptimizerSettings settings);
  static constexpr ObjectCategory kCategory = ObjectCategory::optimizer;
  std::string module() const override { return "keras.optimizers"; }

  /// Makes the state for a list of variables; the first `apply` does it by itself.
  void build(const std::vector<Variable>& variables);
  bool built() const { return built_; }
  /// One step. An undefined gradient leaves its variable alone. Throws ValueError when no gradient is
  /// defined, or for a variable that the optimizer was not built with.
  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);
  /// The same with the variables of `build`.
  void apply(const std::vector<Tensor>& gradients) { apply(gradients, trainable_variables_); }
  /// The loss times loss_scale_factor, if there is one.
  virtual Tensor scale_loss(const Tensor& loss) const;
  /// Puts the moving averages into the model; `fit` calls it at its end.
  virtual void finalize_variable_values(const std::vector<Variable>& variables);
  /// The averages of the variables (with use_ema), in the order of `build`.
  const std::vector<Variable>& moving_averages() const { return averages_; }

  Tensor learning_rate() const;
  /// Throws ValueError when the rate comes from a schedule.
  void set_learning_rate(double rate);
  const LearningRate& configured_learning_rate() const { return settings_.learning_rate; }
  const Variable& iterations() const { return iterations_; }
  /// Iteration, learning rate (unless scheduled), then slots, as Keras orders and saves them.
  virtual std::vector<Variable> variables() const { return variables_; }
  const std::string& name() const { return settings_.name; }
  const OptimizerSettings& settings() const { return settings_; }
  /// Variables whose path or name contains one of these, or that are listed, are not decayed.
  void exclude_from_weight_decay(const std::vector<std::string>& names);
  void exclude_from_weight_decay(const std::vector<Variable>& variables);

  /// "adam", "sgd", ...; throws ValueError with the valid names.
  static std::shared_ptr<Optimizer> from_name(const std::string& name);

 protected:
  /// Makes the slots; `variables` are those of `build`.
  virtual void build_slots(const std::vector<Variable>& variables) = 0;
  /// Updates one variable; `index` is its position in `build`'s list.
  virtual void update_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate);
  /// Updates all; by default update_step one by one. Optimizers with a one-pass kernel override it.
  virtual void update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                          const std::vector<size_t>& indices, const Tensor& rate);
  /// A slot of the variable's shape and dtype, named "<variable path with _>_<name>".
  Variable add_variable_from_reference(const Variable& reference, std::string_view name, double initial = 0.0);
  Variable add_variable(Tensor initial, std::string_view name);
  /// One list of slots per name, interleaved per variable in `variables()`, as Keras does.
  std::vector<std::vector<Variable>> add_optimizer_variables(const std::vector<Variable>& variables,
                                                             const std::vector<std::string>& names,
                                                             double initial = 0.0);
  /// The step as an int64 scalar that the bias corrections use: iterations / accumulation steps.
  Tensor update_count() const;
  bool amends_decay(const Variable& variable) const;

  OptimizerSettings settings_;
  Variable iterations_;
  std::vector<Variable> variables_;
  std::vector<Variable> trainable_variables_;

 private:
  std::vector<Tensor> clip(std::vector<Tensor> gradients) const;
  void decay(const std::vector<Variable>& variables, const Tensor& rate) const;
  void update_averages();
  void step(std::vector<Tensor> gradients, const std::vector<Variable>& variables, const std::vector<size_t>& indices);
  std::vector<size_t> indices_of(const std::vector<Variable>& variables) const;

  bool built_ = false;
  Variable learning_rate_;
  std::vector<Variable> averages_;
  std::vector<Variable> accumulators_;
  std::vector<std::string> decay_excluded_names_;
  std::vector<Variable> decay_excluded_variables_;
};

}  // namespace keras
