// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::AdamW.
struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = 0.004;
  double beta_1 = 0.9;    ///< decay of the first moment
  double beta_2 = 0.999;  ///< decay of the second moment
  double epsilon = 1e-7;  ///< added to the denominator, outside the root
  bool amsgrad = false;   ///< keep the largest second moment
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "adam_w";
};

template <>
struct FieldTable<AdamWOptions> {
  using O = AdamWOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::beta_1>("beta_1", "Decay of the first moment"),
                 field<&O::beta_2>("beta_2", "Decay of the second moment"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"),
                 field<&O::amsgrad>("amsgrad", "Keep the largest second moment"));
};

namespace optimizers {

/// Adam with decoupled weight decay (keras.optimizers.AdamW; Loshchilov and Hutter, 2017). Throws ValueError
/// without a weight_decay.
class AdamW : public ConfiguredOptimizer<AdamW, AdamWOptions> {
 public:
  static constexpr const char* kClassName = "AdamW";
  explicit AdamW(AdamWOptions options = {});
  explicit AdamW(LearningRate learning_rate, AdamWOptions options = {})
      : AdamW(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
