// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/nn/lora.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct ConvLayerOptions {
  int64_t filters = 0;        ///< output channels
  IntTuple kernel_size = {};  ///< window, one number per spatial axis or one for all
  IntTuple strides = 1;
  std::string padding = "valid";  ///< "valid", "same", and for Conv1D "causal"
  std::string data_format = {};   ///< "": config::image_data_format()
  IntTuple dilation_rate = 1;
  int64_t groups = 1;
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
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ConvLayerOptions> {
  using O = ConvLayerOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::filters>("filters", "Output channels"),
                 field<&O::kernel_size>("kernel_size", "Window per spatial axis"),
                 field<&O::strides>("strides", "Step per spatial axis"),
                 field<&O::padding>("padding", "valid, same or causal"),
                 field<&O::data_format>("data_format", "Order of the input's axes"),
                 field<&O::dilation_rate>("dilation_rate", "Distance of the kernel's taps"),
                 field<&O::groups>("groups", "Groups of channels convolved apart"),
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
                 field<&O::lora_alpha>("lora_alpha", "Factor of the adaptation; none is the rank"));
};

/// The same for every number of spatial axes.
using Conv1DOptions = ConvLayerOptions;
using Conv2DOptions = ConvLayerOptions;
using Conv3DOptions = ConvLayerOptions;

namespace layers {

/// What the convolutions over one, two and three spatial axes share.
template <class Derived>
class BaseConv : public ConfiguredLayer<Derived, ConvLayerOptions>, public LowRankAdapted {
 public:
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;
  const Variable& adapted_weight() const override { return kernel; }
  void enable_lora(int64_t rank, LoraOptions options = {}) override;

  Variable kernel;  ///< (window..., input channels / groups, filters)
  Variable bias;    ///< (filters,)

 protected:
  BaseConv(int rank, ConvLayerOptions options);
  int rank_;
};

extern template class BaseConv<class Conv1D>;
extern template class BaseConv<class Conv2D>;
extern template class BaseConv<class Conv3D>;

/// Convolution over sequences: (B, steps, C) -> (B, new_steps, filters) (keras.layers.Conv1D). Throws
/// ValueError for filters, sizes or groups that are not positive or do not divide.
class Conv1D : public BaseConv<Conv1D> {
 public:
  static constexpr const char* kClassName = "Conv1D";
  explicit Conv1D(ConvLayerOptions options) : BaseConv(1, std::move(options)) {}
  Conv1D(int64_t filters, IntTuple kernel_size, Conv1DOptions options = {});
};

/// Convolution over images: (B, H, W, C) -> (B, H', W', filters) (keras.layers.Conv2D).
class Conv2D : public BaseConv<Conv2D> {
 public:
  static constexpr const char* kClassName = "Conv2D";
  explicit Conv2D(ConvLayerOptions options) : BaseConv(2, std::move(options)) {}
  Conv2D(int64_t filters, IntTuple kernel_size, Conv2DOptions options = {});
};

/// Convolution over volumes: (B, D, H, W, C) -> (B, D', H', W', filters) (keras.layers.Conv3D).
class Conv3D : public BaseConv<Conv3D> {
 public:
  static constexpr const char* kClassName = "Conv3D";
  explicit Conv3D(ConvLayerOptions options) : BaseConv(3, std::move(options)) {}
  Conv3D(int64_t filters, IntTuple kernel_size, Conv3DOptions options = {});
};

}  // namespace layers
}  // namespace keras
