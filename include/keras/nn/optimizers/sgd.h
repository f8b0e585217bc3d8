// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::SGD.
struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;  ///< how much of the last step is kept, in [0, 1]
  bool nesterov = false;  ///< look ahead along the momentum
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "sgd";
};

template <>
struct FieldTable<SGDOptions> {
  using O = SGDOptions;
  static constexpr auto fields = field_list(
      optimizer_fields<O>(), field<&O::momentum>("momentum", "How much of the last step is kept, in [0, 1]"),
      field<&O::nesterov>("nesterov", "Look ahead along the momentum"));
};

namespace optimizers {

/// Gradient descent, with momentum (keras.optimizers.SGD; Nesterov: Sutskever et al., 2013).
class SGD : public ConfiguredOptimizer<SGD, SGDOptions> {
 public:
  static constexpr const char* kClassName = "SGD";
  explicit SGD(SGDOptions options = {});
  explicit SGD(LearningRate learning_rate, SGDOptions options = {})
      : SGD(internal::with_rate(std::move(learning_rate), std::move(options))) {}

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
