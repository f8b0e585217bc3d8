// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Lion.
struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;   ///< mixes gradient and momentum for the step, in (0, 1]
  double beta_2 = 0.99;  ///< decay of the momentum
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "lion";
};

template <>
struct FieldTable<LionOptions> {
  using O = LionOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(),
                 field<&O::beta_1>("beta_1", "Mixes gradient and momentum for the step, in (0, 1]"),
                 field<&O::beta_2>("beta_2", "Decay of the momentum"));
};

namespace optimizers {

/// Steps by the sign of a mixed momentum (keras.optimizers.Lion; Chen et al., 2023).
class Lion : public ConfiguredOptimizer<Lion, LionOptions> {
 public:
  static constexpr const char* kClassName = "Lion";
  explicit Lion(LionOptions options = {});
  explicit Lion(LearningRate learning_rate, LionOptions options = {})
      : Lion(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
