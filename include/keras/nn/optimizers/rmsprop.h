// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::RMSprop.
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9;       ///< decay of the averages
  double momentum = 0.0;  ///< how much of the last step is kept
  double epsilon = 1e-7;  ///< added to the denominator, inside the root
  bool centered = false;  ///< divide by the variance, not by the mean square
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "rm_sprop";
};

template <>
struct FieldTable<RMSpropOptions> {
  using O = RMSpropOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::rho>("rho", "Decay of the averages"),
                 field<&O::momentum>("momentum", "How much of the last step is kept"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, inside the root"),
                 field<&O::centered>("centered", "Divide by the variance, not by the mean square"));
};

namespace optimizers {

/// Divides the gradient by a moving root mean square of it (keras.optimizers.RMSprop; Hinton, 2012).
class RMSprop : public ConfiguredOptimizer<RMSprop, RMSpropOptions> {
 public:
  static constexpr const char* kClassName = "RMSprop";
  explicit RMSprop(RMSpropOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit RMSprop(LearningRate learning_rate, RMSpropOptions options = {})
      : RMSprop(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
