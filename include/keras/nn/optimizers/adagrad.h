// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Adagrad.
struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1;  ///< where the sums of squares begin
  double epsilon = 1e-7;                   ///< added to the denominator, inside the root
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "adagrad";
};

template <>
struct FieldTable<AdagradOptions> {
  using O = AdagradOptions;
  static constexpr auto fields = field_list(
      optimizer_fields<O>(),
      field<&O::initial_accumulator_value>("initial_accumulator_value", "Where the sums of squares begin"),
      field<&O::epsilon>("epsilon", "Added to the denominator, inside the root"));
};

namespace optimizers {

/// Divides the gradient by the root of the sum of all its squares (keras.optimizers.Adagrad; Duchi et al.,
/// 2011).
class Adagrad : public ConfiguredOptimizer<Adagrad, AdagradOptions> {
 public:
  static constexpr const char* kClassName = "Adagrad";
  explicit Adagrad(AdagradOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Adagrad(LearningRate learning_rate, AdagradOptions options = {})
      : Adagrad(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_all(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables,
                  const std::vector<size_t>& indices, const Tensor& rate) override;
  bool decays_in_update() const override { return true; }

 private:
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
