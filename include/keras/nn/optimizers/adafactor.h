// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Adafactor.
struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8;   ///< exponent of the step in the decay
  double epsilon_1 = 1e-30;     ///< added to the squared gradient
  double epsilon_2 = 1e-3;      ///< least root mean square of a weight
  double clip_threshold = 1.0;  ///< root mean square beyond which a step is scaled down
  bool relative_step = true;    ///< bound the rate by 1 / sqrt(step)
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "adafactor";
};

template <>
struct FieldTable<AdafactorOptions> {
  using O = AdafactorOptions;
  static constexpr auto fields = field_list(
      optimizer_fields<O>(), field<&O::beta_2_decay>("beta_2_decay", "Exponent of the step in the decay"),
      field<&O::epsilon_1>("epsilon_1", "Added to the squared gradient"),
      field<&O::epsilon_2>("epsilon_2", "Least root mean square of a weight"),
      field<&O::clip_threshold>("clip_threshold", "Root mean square beyond which a step is scaled down"),
      field<&O::relative_step>("relative_step", "Bound the rate by 1 / sqrt(step)"));
};

namespace optimizers {

/// Adam with second moments kept as rows and columns (keras.optimizers.Adafactor; Shazeer and Stern, 2018).
class Adafactor : public ConfiguredOptimizer<Adafactor, AdafactorOptions> {
 public:
  static constexpr const char* kClassName = "Adafactor";
  explicit Adafactor(AdafactorOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Adafactor(LearningRate learning_rate, AdafactorOptions options = {})
      : Adafactor(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                   const Tensor& rate) override;

 private:
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
