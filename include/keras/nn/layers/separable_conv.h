// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct SeparableConvLayerOptions {
  int64_t filters = 0;        ///< output channels
  IntTuple kernel_size = {};  ///< window, one number per spatial axis or one for all
  IntTuple strides = 1;
  std::string padding = "valid";  ///< "valid" or "same"
  std::string data_format = {};   ///< "": config::image_data_format()
  IntTuple dilation_rate = 1;
  int64_t depth_multiplier = 1;  ///< channels between the two steps per input channel
  ObjectRef<Activation> activation = {};
  bool use_bias = true;
  ObjectRef<Initializer> depthwise_initializer = "glorot_uniform";
  ObjectRef<Initializer> pointwise_initializer = "glorot_uniform";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> depthwise_regularizer = {};
  ObjectRef<Regularizer> pointwise_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> depthwise_constraint = {};
  ObjectRef<Constraint> pointwise_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SeparableConvLayerOptions> {
  using O = SeparableConvLayerOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::filters>("filters", "Output channels"),
      field<&O::kernel_size>("kernel_size", "Window per spatial axis"),
      field<&O::strides>("strides", "Step per spatial axis"), field<&O::padding>("padding", "valid or same"),
      field<&O::data_format>("data_format", "Order of the input's axes"),
      field<&O::dilation_rate>("dilation_rate", "Distance of the kernel's taps"),
      field<&O::depth_multiplier>("depth_multiplier", "Inner channels per input channel"),
      field<&O::activation>("activation", "Activation of the result"),
      field<&O::use_bias>("use_bias", "Whether a bias is added"),
      field<&O::depthwise_initializer>("depthwise_initializer", "First depthwise kernel"),
      field<&O::pointwise_initializer>("pointwise_initializer", "First pointwise kernel"),
      field<&O::bias_initializer>("bias_initializer", "First value of the bias"),
      field<&O::depthwise_regularizer>("depthwise_regularizer", "Penalty on the depthwise kernel"),
      field<&O::pointwise_regularizer>("pointwise_regularizer", "Penalty on the pointwise kernel"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the bias"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::depthwise_constraint>("depthwise_constraint", "Constraint of the depthwise kernel"),
      field<&O::pointwise_constraint>("pointwise_constraint", "Constraint of the pointwise kernel"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the bias"));
};

/// The same for every number of spatial axes.
using SeparableConv1DOptions = SeparableConvLayerOptions;
using SeparableConv2DOptions = SeparableConvLayerOptions;

namespace layers {

/// What the separable convolutions over one and two spatial axes share.
template <class Derived>
class BaseSeparableConv : public ConfiguredLayer<Derived, SeparableConvLayerOptions> {
 public:
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

  Variable depthwise_kernel;  ///< (window..., input channels, depth_multiplier)
  Variable pointwise_kernel;  ///< (1..., input channels * depth_multiplier, filters)
  Variable bias;              ///< (filters,)

 protected:
  BaseSeparableConv(int rank, SeparableConvLayerOptions options);
  int rank_;
};

extern template class BaseSeparableConv<class SeparableConv1D>;
extern template class BaseSeparableConv<class SeparableConv2D>;

/// A depthwise convolution of sequences and then one with a window of 1 over all channels: (B, steps, C) ->
/// (B, new_steps, filters) (keras.layers.SeparableConv1D; Chollet, 2017). Throws ValueError for filters, a
/// multiplier or sizes that are not positive.
class SeparableConv1D : public BaseSeparableConv<SeparableConv1D> {
 public:
  static constexpr const char* kClassName = "SeparableConv1D";
  explicit SeparableConv1D(SeparableConvLayerOptions options) : BaseSeparableConv(1, std::move(options)) {}
  SeparableConv1D(int64_t filters, IntTuple kernel_size, SeparableConv1DOptions options = {});
};

/// The same over images: (B, H, W, C) -> (B, H', W', filters) (keras.layers.SeparableConv2D). Throws as
/// SeparableConv1D.
class SeparableConv2D : public BaseSeparableConv<SeparableConv2D> {
 public:
  static constexpr const char* kClassName = "SeparableConv2D";
  explicit SeparableConv2D(SeparableConvLayerOptions options) : BaseSeparableConv(2, std::move(options)) {}
  SeparableConv2D(int64_t filters, IntTuple kernel_size, SeparableConv2DOptions options = {});
};

}  // namespace layers
}  // namespace keras
