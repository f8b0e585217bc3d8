// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::ScheduleFreeAdamW.
struct ScheduleFreeAdamWOptions {
  LearningRate learning_rate = 0.0025;
  double beta_1 = 0.9;       ///< decay of the first moment
  double beta_2 = 0.999;     ///< decay of the second moment
  double epsilon = 1e-8;     ///< added to the denominator, outside the root
  int64_t warmup_steps = 0;  ///< steps over which the rate rises
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "schedule_free_adam_w";
};

template <>
struct FieldTable<ScheduleFreeAdamWOptions> {
  using O = ScheduleFreeAdamWOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::beta_1>("beta_1", "Decay of the first moment"),
                 field<&O::beta_2>("beta_2", "Decay of the second moment"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"),
                 field<&O::warmup_steps>("warmup_steps", "Steps over which the rate rises"));
};

namespace optimizers {

/// Adam on an interpolation of the iterates and their average, which needs no schedule
/// (keras.optimizers.ScheduleFreeAdamW; Defazio et al., 2024).
class ScheduleFreeAdamW : public ConfiguredOptimizer<ScheduleFreeAdamW, ScheduleFreeAdamWOptions> {
 public:
  static constexpr const char* kClassName = "ScheduleFreeAdamW";
  explicit ScheduleFreeAdamW(ScheduleFreeAdamWOptions options = {})
      : ConfiguredOptimizer(std::move(options)) {}
  explicit ScheduleFreeAdamW(LearningRate learning_rate, ScheduleFreeAdamWOptions options = {})
      : ScheduleFreeAdamW(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                   const Tensor& rate) override;

 private:
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
