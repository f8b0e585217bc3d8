// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/graph/attributes.h"
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
  return {o.learning_rate,
          o.weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.loss_scale_factor,
          o.gradient_accumulation_steps,
          o.name};
}

/// A number (as the float32 that a variable of it holds), or the envelope of a schedule.
template <>
struct FieldCodec<LearningRate> {
  static std::string kind() { return "float or schedule"; }
  static Json to_json(const LearningRate& value);
  static LearningRate from_json(const Json& json, std::string_view where);
};

/// The rows that every optimizer's field table begins with.
template <class Options>
constexpr auto optimizer_fields() {
  return field_list(
      field<&Options::name>("name", "Name of the optimizer"),
      field<&Options::learning_rate>("learning_rate", "Step size, or a schedule of it"),
      field<&Options::weight_decay>("weight_decay",
                                    "Fraction of the weight, times the rate, taken off in each step"),
      field<&Options::clipnorm>("clipnorm", "Largest norm of each gradient"),
      field<&Options::global_clipnorm>("global_clipnorm", "Largest norm of all gradients together"),
      field<&Options::clipvalue>("clipvalue", "Largest magnitude of a gradient's elements"),
      field<&Options::use_ema>("use_ema", "Keep moving averages of the weights"),
      field<&Options::ema_momentum>("ema_momentum", "Decay of the averages"),
      field<&Options::ema_overwrite_frequency>("ema_overwrite_frequency",
                                               "Put the averages into the model every so many steps"),
      field<&Options::loss_scale_factor>("loss_scale_factor", "Factor of the loss, taken off the gradients"),
      field<&Options::gradient_accumulation_steps>("gradient_accumulation_steps",
                                                   "Steps whose gradients are averaged"));
}

namespace optimizers {
class LossScaleOptimizer;
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
  virtual void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);
  /// The same with the variables of `build`.
  void apply(const std::vector<Tensor>& gradients) { apply(gradients, trainable_variables_); }
  /// The loss times loss_scale_factor, if there is one.
  virtual Tensor scale_loss(const Tensor& loss) const;
  /// Puts the moving averages into the model; `fit` calls it at its end.
  virtual void finalize_variable_values(const std::vector<Variable>& variables);
  /// The averages of the variables (with use_ema), in the order of `build`.
  const std::vector<Variable>& moving_averages() const { return averages_; }

  /// The present rate: the number, or what the schedule or function gives.
  virtual Tensor learning_rate() const;
  /// Throws ValueError when the rate comes from a schedule.
  virtual void set_learning_rate(double rate);
  const LearningRate& configured_learning_rate() const { return settings_.learning_rate; }
  /// How often apply was called.
  virtual const Variable& iterations() const { return iterations_; }
  /// Iteration, learning rate (unless scheduled), then slots, as Keras orders and saves them.
  virtual std::vector<Variable> variables() const { return variables_; }
  const std::string& name() const { return settings_.name; }
  const OptimizerSettings& settings() const { return settings_; }
  /// Variables in whose names one of these regular expressions is found, or that are listed, are not decayed.
  void exclude_from_weight_decay(const std::vector<std::string>& names);
  void exclude_from_weight_decay(const std::vector<Variable>& variables);

  /// "adam", "sgd", ...; throws ValueError with the valid names.
  static std::shared_ptr<Optimizer> from_name(const std::string& name);

 protected:
  /// Makes the slots; `variables` are those of `build`.
  virtual void build_slots(const std::vector<Variable>& variables) = 0;
  /// Updates one variable; `index` is its position in `build`'s list.
  virtual void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                           const Tensor& rate);
  /// Updates all; by default update_step one by one. Optimizers with a one-pass kernel override it.
  virtual void update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                          const std::vector<size_t>& indices, const Tensor& rate);
  /// A slot of the variable's shape and dtype, named "<variable path with _>_<name>".
  Variable add_variable_from_reference(const Variable& reference, std::string_view name,
                                       double initial = 0.0);
  Variable add_variable(Tensor initial, std::string_view name);
  Variable add_variable(Tensor initial, std::string_view name, std::string path);
  /// One list of slots per name, interleaved per variable in `variables()`, as Keras does.
  std::vector<std::vector<Variable>> add_optimizer_variables(const std::vector<Variable>& variables,
                                                             const std::vector<std::string>& names,
                                                             const std::vector<double>& initials = {});
  /// The step as an int64 scalar that the bias corrections use: iterations / accumulation steps.
  Tensor update_count() const;
  /// False for a variable that exclude_from_weight_decay named.
  bool amends_decay(const Variable& variable) const;
  /// Takes the weight decay off the variables, before the update.
  virtual void decay(const std::vector<Variable>& variables, const Tensor& rate) const;
  /// True for optimizers whose update_all decays by itself, by `one_pass_rule`.
  virtual bool decays_in_update() const { return false; }
  /// The attributes of update_many, with the weight decay if every variable has it.
  UpdateAttributes one_pass_rule(int64_t rule) const;
  /// The config with the learning rate that the optimizer has now.
  Json with_current_rate(Json config) const;

  OptimizerSettings settings_;
  Variable iterations_;
  std::vector<Variable> variables_;
  std::vector<Variable> trainable_variables_;

 private:
  std::vector<Tensor> clip(std::vector<Tensor> gradients) const;
  bool excludes_from_decay() const {
    return !decay_excluded_names_.empty() || !decay_excluded_variables_.empty();
  }
  void update_averages();
  void take_averages();
  void take_over_gradients(std::vector<Tensor>& gradients, std::vector<Variable>& variables,
                           std::vector<size_t>& indices) const;
  void step(std::vector<Tensor> gradients, const std::vector<Variable>& variables,
            const std::vector<size_t>& indices);
  std::vector<size_t> indices_of(const std::vector<Variable>& variables) const;

  friend class optimizers::LossScaleOptimizer;  // takes the fixed scale off the optimizer inside it

  bool built_ = false;
  Variable learning_rate_;
  std::vector<Variable> averages_;
  std::vector<Variable> accumulators_;
  std::vector<std::string> decay_excluded_names_;
  std::vector<Variable> decay_excluded_variables_;
};

/// An optimizer of Keras' own whose arguments are one options struct with a field table.
template <class Derived, class OptionsType>
class ConfiguredOptimizer : public Optimizer {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  Json get_config() const override { return with_current_rate(to_config(options_)); }
  const Options& options() const { return options_; }

 protected:
  explicit ConfiguredOptimizer(Options options)
      : Optimizer(settings_of(options)), options_(std::move(options)) {}
  Options options_;
};

/// Registers an optimizer class of Keras under its name and that name in lower case.
#define KERAS_REGISTER_OPTIMIZER(Class, ...)                    \
  [[maybe_unused]] static const bool keras_registered_##Class = \
      ::keras::internal::register_configured<Class, ::keras::Optimizer>("keras.optimizers", {__VA_ARGS__})

namespace internal {

/// Options with another learning rate.
template <class Options>
Options with_rate(LearningRate rate, Options options) {
  options.learning_rate = std::move(rate);
  return options;
}

/// One optimizer step over all parameters as the fused op update_many. `slots` holds a list per slot kind,
/// aligned with the variables of `build`; memory is reused when nobody else holds it.
void update_many(const UpdateAttributes& rule, const Tensor& rate, const Tensor& iteration,
                 const Tensor& extra, const std::vector<Tensor>& gradients,
                 const std::vector<Variable>& variables, const std::vector<size_t>& indices,
                 const std::vector<std::vector<Variable>>& slots);

}  // namespace internal
}  // namespace keras
