// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Adamax.
struct AdamaxOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;    ///< decay of the first moment
  double beta_2 = 0.999;  ///< decay of the infinity norm
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
  std::string name = "adamax";
};

template <>
struct FieldTable<AdamaxOptions> {
  using O = AdamaxOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::beta_1>("beta_1", "Decay of the first moment"),
                 field<&O::beta_2>("beta_2", "Decay of the infinity norm"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"));
};

namespace optimizers {

/// Adam with the infinity norm (keras.optimizers.Adamax; Kingma and Ba, 2014).
class Adamax : public ConfiguredOptimizer<Adamax, AdamaxOptions> {
 public:
  static constexpr const char* kClassName = "Adamax";
  explicit Adamax(AdamaxOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Adamax(LearningRate learning_rate, AdamaxOptions options = {})
      : Adamax(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
