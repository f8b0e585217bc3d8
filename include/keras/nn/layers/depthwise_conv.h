// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

// The window is given in front; it stands late here so that the braces of `DepthwiseConv2D({3, 3})` can only
// mean the window.
struct DepthwiseConvLayerOptions {
  std::string padding = "valid";  ///< "valid" or "same"
  IntTuple strides = 1;
  int64_t depth_multiplier = 1;  ///< output channels per input channel
  std::string data_format = {};  ///< "": config::image_data_format()
  IntTuple dilation_rate = 1;
  ObjectRef<Activation> activation = {};
  bool use_bias = true;
  ObjectRef<Initializer> depthwise_initializer = "glorot_uniform";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> depthwise_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> depthwise_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  IntTuple kernel_size = {};  ///< window, one number per spatial axis or one for all
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<DepthwiseConvLayerOptions> {
  using O = DepthwiseConvLayerOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::kernel_size>("kernel_size", "Window per spatial axis"),
      field<&O::strides>("strides", "Step per spatial axis"), field<&O::padding>("padding", "valid or same"),
      field<&O::depth_multiplier>("depth_multiplier", "Output channels per input channel"),
      field<&O::data_format>("data_format", "Order of the input's axes"),
      field<&O::dilation_rate>("dilation_rate", "Distance of the kernel's taps"),
      field<&O::activation>("activation", "Activation of the result"),
      field<&O::use_bias>("use_bias", "Whether a bias is added"),
      field<&O::depthwise_initializer>("depthwise_initializer", "First value of the kernel"),
      field<&O::bias_initializer>("bias_initializer", "First value of the bias"),
      field<&O::depthwise_regularizer>("depthwise_regularizer", "Penalty on the kernel"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the bias"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::depthwise_constraint>("depthwise_constraint", "Constraint of the kernel"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the bias"));
};

/// The same for every number of spatial axes.
using DepthwiseConv1DOptions = DepthwiseConvLayerOptions;
using DepthwiseConv2DOptions = DepthwiseConvLayerOptions;

namespace layers {

/// What the depthwise convolutions over one and two spatial axes share.
template <class Derived>
class BaseDepthwiseConv : public ConfiguredLayer<Derived, DepthwiseConvLayerOptions> {
 public:
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

  Variable kernel;  ///< (window..., input channels, depth_multiplier)
  Variable bias;    ///< (input channels * depth_multiplier,)

 protected:
  BaseDepthwiseConv(int rank, DepthwiseConvLayerOptions options);
  int rank_;
};

extern template class BaseDepthwiseConv<class DepthwiseConv1D>;
extern template class BaseDepthwiseConv<class DepthwiseConv2D>;

/// Convolves every channel of sequences by itself: (B, steps, C) -> (B, new_steps, C depth_multiplier)
/// (keras.layers.DepthwiseConv1D). Throws ValueError for a multiplier or sizes that are not positive.
class DepthwiseConv1D : public BaseDepthwiseConv<DepthwiseConv1D> {
 public:
  static constexpr const char* kClassName = "DepthwiseConv1D";
  explicit DepthwiseConv1D(DepthwiseConvLayerOptions options) : BaseDepthwiseConv(1, std::move(options)) {}
  explicit DepthwiseConv1D(IntTuple kernel_size, DepthwiseConv1DOptions options = {});
};

/// Convolves every channel of images by itself: (B, H, W, C) -> (B, H', W', C depth_multiplier)
/// (keras.layers.DepthwiseConv2D). Throws as DepthwiseConv1D.
class DepthwiseConv2D : public BaseDepthwiseConv<DepthwiseConv2D> {
 public:
  static constexpr const char* kClassName = "DepthwiseConv2D";
  explicit DepthwiseConv2D(DepthwiseConvLayerOptions options) : BaseDepthwiseConv(2, std::move(options)) {}
  explicit DepthwiseConv2D(IntTuple kernel_size, DepthwiseConv2DOptions options = {});
};

}  // namespace layers
}  // namespace keras
