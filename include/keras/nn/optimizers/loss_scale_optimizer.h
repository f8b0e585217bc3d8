// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::LossScaleOptimizer.
struct LossScaleOptimizerOptions {
  ObjectRef<Optimizer> inner_optimizer = {};  ///< what steps with the unscaled gradients
  double initial_scale = 32768.0;             ///< factor of the loss at the start
  int64_t dynamic_growth_steps = 2000;        ///< finite steps after which the factor doubles
  std::string name = "loss_scale_optimizer";
};

template <>
struct FieldTable<LossScaleOptimizerOptions> {
  using O = LossScaleOptimizerOptions;
  static constexpr auto fields = field_list(
      field<&O::name>("name", "Name of the optimizer"),
      field<&O::inner_optimizer>("inner_optimizer", "What steps with the unscaled gradients"),
      field<&O::initial_scale>("initial_scale", "Factor of the loss at the start"),
      field<&O::dynamic_growth_steps>("dynamic_growth_steps", "Finite steps after which the factor doubles"));
};

namespace optimizers {

/// Scales the loss so that half-precision gradients do not vanish, and steps with the unscaled gradients: the
/// factor doubles after dynamic_growth_steps finite steps; a step with a gradient that is not finite is left
/// out and halves it (keras.optimizers.LossScaleOptimizer; Micikevicius et al., 2017). Throws ValueError
/// without an inner optimizer.
class LossScaleOptimizer : public Optimizer {
 public:
  static constexpr const char* kClassName = "LossScaleOptimizer";
  using Options = LossScaleOptimizerOptions;
  explicit LossScaleOptimizer(LossScaleOptimizerOptions options);
  explicit LossScaleOptimizer(ObjectRef<Optimizer> inner_optimizer, LossScaleOptimizerOptions options = {});
  std::string class_name() const override { return kClassName; }
  Json get_config() const override { return to_config(options_); }

  using Optimizer::apply;
  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) override;
  Tensor scale_loss(const Tensor& loss) const override;
  void finalize_variable_values(const std::vector<Variable>& variables) override;
  Tensor learning_rate() const override { return inner().learning_rate(); }
  void set_learning_rate(double rate) override { inner().set_learning_rate(rate); }
  const Variable& iterations() const override { return inner().iterations(); }
  std::vector<Variable> variables() const override;
  /// The optimizer that steps.
  Optimizer& inner() const { return *options_.inner_optimizer; }
  /// Its variables as Keras lists and saves them here: without the unnamed one that Nadam keeps.
  std::vector<Variable> inner_variables() const;
  /// The present factor of the loss; made by build.
  const Variable& dynamic_scale() const { return scale_; }

 protected:
  void build_slots(const std::vector<Variable>& variables) override;

 private:
  LossScaleOptimizerOptions options_;
  Variable finite_steps_;
  Variable scale_;
};

}  // namespace optimizers
}  // namespace keras
