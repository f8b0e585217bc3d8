// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::Muon.
struct MuonOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9;                         ///< decay of the first moment where AdamW steps
  double adam_beta_2 = 0.999;                       ///< decay of the second moment where AdamW steps
  std::optional<double> adam_weight_decay = 0.004;  ///< weight decay where AdamW steps
  double epsilon = 1e-7;                            ///< added to the denominator, outside the root
  std::optional<double> weight_decay = 0.004;
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int64_t> gradient_accumulation_steps = {};
  std::string name = "muon";
  std::vector<std::string> exclude_layers =
      {};                          ///< regular expressions; variables whose paths match are stepped by AdamW
  bool exclude_embeddings = true;  ///< let AdamW step the embeddings
  double muon_a = 3.4445;          ///< coefficient of the Newton-Schulz iteration
  double muon_b = -4.7750;         ///< coefficient of the Newton-Schulz iteration
  double muon_c = 2.0315;          ///< coefficient of the Newton-Schulz iteration
  double adam_lr_ratio = 1;        ///< rate of AdamW over the rate
  double momentum = 0.95;          ///< decay of the momentum
  int64_t ns_steps = 5;            ///< Newton-Schulz iterations
  bool nesterov = true;            ///< look ahead along the momentum
  std::optional<double> rms_rate = 0.2;  ///< matches the size of steps to AdamW; none: no matching
};

template <>
struct FieldTable<MuonOptions> {
  using O = MuonOptions;
  static constexpr auto fields = field_list(
      optimizer_fields<O>(),
      field<&O::adam_beta_1>("adam_beta_1", "Decay of the first moment where AdamW steps"),
      field<&O::adam_beta_2>("adam_beta_2", "Decay of the second moment where AdamW steps"),
      field<&O::adam_weight_decay>("adam_weight_decay", "Weight decay where AdamW steps"),
      field<&O::epsilon>("epsilon", "Added to the denominator, outside the root"),
      field<&O::exclude_layers>("exclude_layers",
                                "Regular expressions; variables whose paths match are stepped by AdamW"),
      field<&O::exclude_embeddings>("exclude_embeddings", "Let AdamW step the embeddings"),
      field<&O::muon_a>("muon_a", "Coefficient of the Newton-Schulz iteration"),
      field<&O::muon_b>("muon_b", "Coefficient of the Newton-Schulz iteration"),
      field<&O::muon_c>("muon_c", "Coefficient of the Newton-Schulz iteration"),
      field<&O::adam_lr_ratio>("adam_lr_ratio", "Rate of AdamW over the rate"),
      field<&O::momentum>("momentum", "Decay of the momentum"),
      field<&O::ns_steps>("ns_steps", "Newton-Schulz iterations"),
      field<&O::nesterov>("nesterov", "Look ahead along the momentum"),
      field<&O::rms_rate>("rms_rate", "Matches the size of steps to AdamW; none: no matching"));
};

namespace optimizers {

/// Steps matrices along the nearest orthogonal matrix of their momentum, and all other variables by AdamW
/// (keras.optimizers.Muon; Jordan et al., 2024).
class Muon : public ConfiguredOptimizer<Muon, MuonOptions> {
 public:
  static constexpr const char* kClassName = "Muon";
  explicit Muon(MuonOptions options = {}) : ConfiguredOptimizer(std::move(options)) {}
  explicit Muon(LearningRate learning_rate, MuonOptions options = {})
      : Muon(internal::with_rate(std::move(learning_rate), std::move(options))) {}

 protected:
  void build_slots(const std::vector<Variable>& variables) override;
  void update_step(const Tensor& gradient, const Variable& variable, size_t index,
                   const Tensor& rate) override;
  void decay(const std::vector<Variable>& variables, const Tensor& rate) const override;

 private:
  bool stepped_by_adam(const Variable& variable) const;
  void adam_step(const Tensor& gradient, const Variable& variable, size_t index, const Tensor& rate);
  std::vector<std::vector<Variable>> slots_;
};

}  // namespace optimizers
}  // namespace keras
