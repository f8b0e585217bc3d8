// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Ftrl.
struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5;                  ///< how the rate decays, not positive
  double initial_accumulator_value = 0.1;             ///< where the sums of squares begin
  double l1_regularization_strength = 0.0;            ///< L1 penalty
  double l2_regularization_strength = 0.0;            ///< L2 penalty
  double l2_shrinkage_regularization_strength = 0.0;  ///< L2 penalty on the gradient
  double beta = 0.0;                                  ///< stabilizes the rate at the start
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "ftrl";
};

template <>
struct FieldTable<FtrlOptions> {
  using O = FtrlOptions;
  static constexpr auto fields = field_list(
      optimizer_fields<O>(),
      field<&O::learning_rate_power>("learning_rate_power", "How the rate decays, not positive"),
      field<&O::initial_accumulator_value>("initial_accumulator_value", "Where the sums of squares begin"),
      field<&O::l1_regularization_strength>("l1_regularization_strength", "L1 penalty"),
      field<&O::l2_regularization_strength>("l2_regularization_strength", "L2 penalty"),
      field<&O::l2_shrinkage_regularization_strength>("l2_shrinkage_regularization_strength",
                                                      "L2 penalty on the gradient"),
      field<&O::beta>("beta", "Stabilizes the rate at the start"));
};

namespace optimizers {

/// Follow the regularized leader (keras.optimizers.Ftrl; McMahan et al., 2013).
class Ftrl : public ConfiguredOptimizer<Ftrl, FtrlOptions> {
 public:
  static constexpr const char* kClassName = "Ftrl";
  explicit Ftrl(FtrlOptions options = {});
  explicit Ftrl(LearningRate learning_rate, FtrlOptions options = {})
      : Ftrl(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                   const Tensor& rate) override;

 private:
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
