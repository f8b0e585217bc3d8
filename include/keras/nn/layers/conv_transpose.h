// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct ConvTransposeLayerOptions {
  int64_t filters = 0;        ///< output channels
  IntTuple kernel_size = {};  ///< window, one number per spatial axis or one for all
  IntTuple strides = 1;
  std::string padding = "valid";                ///< "valid" or "same"
  std::optional<IntTuple> output_padding = {};  ///< added to the result's extents; none: so that shapes fit
  std::string data_format = {};                 ///< "": config::image_data_format()
  IntTuple dilation_rate = 1;
  ObjectRef<Activation> activation = {};
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ConvTransposeLayerOptions> {
  using O = ConvTransposeLayerOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::filters>("filters", "Output channels"),
      field<&O::kernel_size>("kernel_size", "Window per spatial axis"),
      field<&O::strides>("strides", "Step per spatial axis"), field<&O::padding>("padding", "valid or same"),
      field<&O::output_padding>("output_padding", "Added to the result's extents"),
      field<&O::data_format>("data_format", "Order of the input's axes"),
      field<&O::dilation_rate>("dilation_rate", "Distance of the kernel's taps"),
      field<&O::activation>("activation", "Activation of the result"),
      field<&O::use_bias>("use_bias", "Whether a bias is added"),
      field<&O::kernel_initializer>("kernel_initializer", "First value of the kernel"),
      field<&O::bias_initializer>("bias_initializer", "First value of the bias"),
      field<&O::kernel_regularizer>("kernel_regularizer", "Penalty on the kernel"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the bias"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::kernel_constraint>("kernel_constraint", "Constraint of the kernel"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the bias"));
};

/// The same for every number of spatial axes.
using Conv1DTransposeOptions = ConvTransposeLayerOptions;
using Conv2DTransposeOptions = ConvTransposeLayerOptions;
using Conv3DTransposeOptions = ConvTransposeLayerOptions;

namespace layers {

/// What the transposed convolutions over one, two and three spatial axes share.
template <class Derived>
class BaseConvTranspose : public ConfiguredLayer<Derived, ConvTransposeLayerOptions> {
 public:
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

  Variable kernel;  ///< (window..., filters, input channels)
  Variable bias;    ///< (filters,)

 protected:
  BaseConvTranspose(int rank, ConvTransposeLayerOptions options);
  int rank_;
};

extern template class BaseConvTranspose<class Conv1DTranspose>;
extern template class BaseConvTranspose<class Conv2DTranspose>;
extern template class BaseConvTranspose<class Conv3DTranspose>;

/// The transpose of Conv1D, which lengthens sequences: (B, steps, C) -> (B, about steps * strides, filters)
/// (keras.layers.Conv1DTranspose; Zeiler et al., 2010). Throws ValueError for filters or sizes that are not
/// positive, and unless output_padding is less than strides.
class Conv1DTranspose : public BaseConvTranspose<Conv1DTranspose> {
 public:
  static constexpr const char* kClassName = "Conv1DTranspose";
  explicit Conv1DTranspose(ConvTransposeLayerOptions options) : BaseConvTranspose(1, std::move(options)) {}
  Conv1DTranspose(int64_t filters, IntTuple kernel_size, Conv1DTransposeOptions options = {});
};

/// The transpose of Conv2D, which enlarges images: (B, H, W, C) -> (B, H', W', filters)
/// (keras.layers.Conv2DTranspose). Throws as Conv1DTranspose.
class Conv2DTranspose : public BaseConvTranspose<Conv2DTranspose> {
 public:
  static constexpr const char* kClassName = "Conv2DTranspose";
  explicit Conv2DTranspose(ConvTransposeLayerOptions options) : BaseConvTranspose(2, std::move(options)) {}
  Conv2DTranspose(int64_t filters, IntTuple kernel_size, Conv2DTransposeOptions options = {});
};

/// The transpose of Conv3D, which enlarges volumes: (B, D, H, W, C) -> (B, D', H', W', filters)
/// (keras.layers.Conv3DTranspose). Throws as Conv1DTranspose.
class Conv3DTranspose : public BaseConvTranspose<Conv3DTranspose> {
 public:
  static constexpr const char* kClassName = "Conv3DTranspose";
  explicit Conv3DTranspose(ConvTransposeLayerOptions options) : BaseConvTranspose(3, std::move(options)) {}
  Conv3DTranspose(int64_t filters, IntTuple kernel_size, Conv3DTransposeOptions options = {});
};

}  // namespace layers
}  // namespace keras
