// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/nn/lora.h"

namespace keras {

struct DenseOptions {
  int64_t units = 0;  ///< size of the output's last axis
  ObjectRef<Activation> activation = {};
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  std::optional<int64_t> lora_rank = {};  ///< rank of a low-rank adaptation, see LowRankAdapted
  std::optional<double> lora_alpha = {};  ///< its factor; none: the rank
  Json quantization_config = {};          ///< kept for files; quantized layers are not made here
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<DenseOptions> {
  using O = DenseOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::units>("units", "Size of the output's last axis"),
      field<&O::activation>("activation", "Activation of the result"),
      field<&O::use_bias>("use_bias", "Whether a bias is added"),
      field<&O::kernel_initializer>("kernel_initializer", "First value of the kernel"),
      field<&O::bias_initializer>("bias_initializer", "First value of the bias"),
      field<&O::kernel_regularizer>("kernel_regularizer", "Penalty on the kernel"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the bias"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::kernel_constraint>("kernel_constraint", "Constraint of the kernel"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the bias"),
      field<&O::lora_rank>("lora_rank", "Rank of a low-rank adaptation"),
      field<&O::lora_alpha>("lora_alpha", "Factor of the adaptation; none is the rank"),
      field<&O::quantization_config>("quantization_config", "Quantization of files, kept as it is"));
};

namespace layers {

/// activation(x kernel + bias) over the last axis: (..., in) -> (..., units) (keras.layers.Dense).
/// Throws ValueError for units below 1 or an input without axes.
class Dense : public ConfiguredLayer<Dense, DenseOptions>, public LowRankAdapted {
 public:
  static constexpr const char* kClassName = "Dense";
  explicit Dense(DenseOptions options);
  explicit Dense(int64_t units, DenseOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;
  const Variable& adapted_weight() const override { return kernel; }
  void enable_lora(int64_t rank, LoraOptions options = {}) override;

  Variable kernel;  ///< (in, units)
  Variable bias;    ///< (units,)
};

}  // namespace layers
}  // namespace keras
