// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/depthwise_conv.h"

#include "keras/ops/convolution.h"
#include "keras/ops/operators.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BaseDepthwiseConv<Derived>::BaseDepthwiseConv(int rank, DepthwiseConvLayerOptions options)
    : ConfiguredLayer<Derived, DepthwiseConvLayerOptions>(std::move(options)), rank_(rank) {
  auto& o = this->options_;
  const char* where = Derived::kClassName;
  const auto axes = static_cast<size_t>(rank);
  internal::require_positive(where, "depth_multiplier", o.depth_multiplier);
  o.kernel_size = o.kernel_size.expanded(axes, where, "kernel_size");
  o.strides = o.strides.expanded(axes, where, "strides");
  o.dilation_rate = o.dilation_rate.expanded(axes, where, "dilation_rate");
  o.data_format = internal::standardize_data_format(where, o.data_format);
  o.padding = internal::standardize_padding(where, o.padding);
  if (!o.activation) o.activation = "linear";
  this->core().activity_regularizer = o.activity_regularizer;
}

template <class Derived>
void BaseDepthwiseConv<Derived>::build(const Shape& input_shape) {
  const auto& o = this->options_;
  const int64_t channels = internal::channels_of(this->name(), input_shape, rank_, o.data_format).value();
  Shape shape;
  for (const int64_t k : o.kernel_size) shape.push_back(k);
  shape.push_back(channels);
  shape.push_back(o.depth_multiplier);
  this->add_weight(kernel, "kernel", shape,
                   {.initializer = o.depthwise_initializer,
                    .regularizer = o.depthwise_regularizer,
                    .constraint = o.depthwise_constraint});
  if (o.use_bias) {
    this->add_weight(bias, "bias", {channels * o.depth_multiplier},
                     {.initializer = o.bias_initializer,
                      .regularizer = o.bias_regularizer,
                      .constraint = o.bias_constraint});
  }
}

template <class Derived>
Tensor BaseDepthwiseConv<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  Tensor y = ops::depthwise_conv(inputs, kernel.value(), internal::spatial_size(o.strides), o.padding,
                                 o.data_format, internal::spatial_size(o.dilation_rate));
  if (o.use_bias) y = y + internal::channel_shaped(bias.value(), rank_, o.data_format);
  return (*o.activation)(y);
}

#define KERAS_DEFINE_DEPTHWISE_CONV(Name)                             \
  KERAS_REGISTER_LAYER(Name);                                         \
  template class BaseDepthwiseConv<Name>;                             \
  Name::Name(IntTuple kernel_size, DepthwiseConvLayerOptions options) \
      : Name([&] {                                                    \
          options.kernel_size = std::move(kernel_size);               \
          return std::move(options);                                  \
        }()) {}
KERAS_DEFINE_DEPTHWISE_CONV(DepthwiseConv1D)
KERAS_DEFINE_DEPTHWISE_CONV(DepthwiseConv2D)
#undef KERAS_DEFINE_DEPTHWISE_CONV

}  // namespace keras::layers
