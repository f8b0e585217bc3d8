// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Lamb.
struct LambOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;    ///< decay of the first moment
  double beta_2 = 0.999;  ///< decay of the second moment
  double epsilon = 1e-7;  ///< added to the denominator, outside the root
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "lamb";
};

template <>
struct FieldTable<LambOptions> {
  using O = LambOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::beta_1>("beta_1", "Decay of the first moment"),
                 field<&O::beta_2>("beta_2", "Decay of the second moment"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"));
};

namespace optimizers {

/// Adam with each step scaled by the norm of its weight (keras.optimizers.Lamb; You et al., 2019).
class Lamb : public ConfiguredOptimizer<Lamb, LambOptions> {
 public:
  static constexpr const char* kClassName = "Lamb";
  explicit Lamb(LambOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Lamb(LearningRate learning_rate, LambOptions options = {})
      : Lamb(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                   const Tensor& rate) override;

 private:
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
