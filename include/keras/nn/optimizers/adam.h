// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

struct AdamOptions {
  LearningRate learning_rate = 0.001;  ///< a number, a schedule or a function
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = {};                  ///< none: no decay
  std::optional<double> clipnorm = {};                      ///< largest norm of one gradient
  std::optional<double> clipvalue = {};                     ///< largest element of a gradient
  std::optional<double> global_clipnorm = {};               ///< largest norm of all gradients together
  bool use_ema = false;                                     ///< keep moving averages of the weights
  double ema_momentum = 0.99;                               ///< of those averages
  std::optional<int64_t> ema_overwrite_frequency = {};      ///< steps; none: at the end of training
  std::optional<double> loss_scale_factor = {};             ///< multiplies the loss in mixed precision
  std::optional<int64_t> gradient_accumulation_steps = {};  ///< batches a step
  std::string name = "adam";
};

template <>
struct FieldTable<AdamOptions> {
  using O = AdamOptions;
  static constexpr auto fields =
      field_list(optimizer_fields<O>(), field<&O::beta_1>("beta_1", "Decay of the first moment"),
                 field<&O::beta_2>("beta_2", "Decay of the second moment"),
                 field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"),
                 field<&O::amsgrad>("amsgrad", "Keep the largest second moment"));
};

namespace optimizers {

/// Moments of the gradient scale the step (keras.optimizers.Adam; Kingma and Ba, 2014; amsgrad: Reddi et al.,
/// 2018).
class Adam : public ConfiguredOptimizer<Adam, AdamOptions> {
 public:
  static constexpr const char* kClassName = "Adam";
  explicit Adam(AdamOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Adam(LearningRate learning_rate, AdamOptions options = {});

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
