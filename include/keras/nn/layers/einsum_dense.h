// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/nn/lora.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct EinsumDenseOptions {
  std::string equation = {};                  ///< Einstein summation of input and kernel
  Json output_shape = {};                     ///< output without batch and elided axes; null is inferred
  ObjectRef<Activation> activation = {};      ///< activation of the result
  std::optional<std::string> bias_axes = {};  ///< output axes that the bias has
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";  ///< first value of the kernel
  ObjectRef<Initializer> bias_initializer = "zeros";             ///< first value of the bias
  ObjectRef<Regularizer> kernel_regularizer = {};                ///< penalty on the kernel
  ObjectRef<Regularizer> bias_regularizer = {};                  ///< penalty on the bias
  ObjectRef<Regularizer> activity_regularizer = {};              ///< penalty on the output
  ObjectRef<Constraint> kernel_constraint = {};                  ///< constraint of the kernel
  ObjectRef<Constraint> bias_constraint = {};                    ///< constraint of the bias
  std::optional<int64_t> lora_rank = {};  ///< rank of a low-rank adaptation, see LowRankAdapted
  std::optional<double> lora_alpha = {};  ///< its factor; none: the rank
  Json quantization_config = {};          ///< quantization of files, kept as it is
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<EinsumDenseOptions> {
  using O = EinsumDenseOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::equation>("equation", "Einstein summation of input and kernel"),
      field<&O::output_shape>("output_shape", "Output without batch and elided axes; null is inferred"),
      field<&O::activation>("activation", "Activation of the result"),
      field<&O::bias_axes>("bias_axes", "Output axes that the bias has"),
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

/// activation(einsum(equation, x, kernel) + bias) (keras.layers.EinsumDense). The equation is "ab,bc->ac",
/// "...x,xy->...y" or "ab...,bc->ac...". Throws ValueError for an equation of another form.
class EinsumDense : public ConfiguredLayer<EinsumDense, EinsumDenseOptions>, public LowRankAdapted {
 public:
  static constexpr const char* kClassName = "EinsumDense";
  explicit EinsumDense(EinsumDenseOptions options);
  /// An output_shape item below 0 is inferred (Python's None).
  EinsumDense(std::string equation, IntTuple output_shape, EinsumDenseOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;
  const Variable& adapted_weight() const override { return kernel; }
  void enable_lora(int64_t rank, LoraOptions options = {}) override;

  Variable kernel;  ///< by the equation's second operand
  Variable bias;    ///< broadcasts to the output
};

}  // namespace layers
}  // namespace keras
