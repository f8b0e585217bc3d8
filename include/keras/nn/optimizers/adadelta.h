// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Adadelta.
struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95;      ///< decay of the averages
  double epsilon = 1e-7;  ///< added inside the roots
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "adadelta";
};

template <>
struct FieldTable<AdadeltaOptions> {
  using O = AdadeltaOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::rho>("rho", "Decay of the averages"),
                 field<&O::epsilon>("epsilon", "Added inside the roots"));
};

namespace optimizers {

/// Scales the gradient by the ratio of moving root mean squares of steps and gradients
/// (keras.optimizers.Adadelta; Zeiler, 2012).
class Adadelta : public ConfiguredOptimizer<Adadelta, AdadeltaOptions> {
 public:
  static constexpr const char* kClassName = "Adadelta";
  explicit Adadelta(AdadeltaOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Adadelta(LearningRate learning_rate, AdadeltaOptions options = {})
      : Adadelta(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
