// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/separable_conv.h"

#include "keras/ops/convolution.h"
#include "keras/ops/operators.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BaseSeparableConv<Derived>::BaseSeparableConv(int rank, SeparableConvLayerOptions options)
    : ConfiguredLayer<Derived, SeparableConvLayerOptions>(std::move(options)), rank_(rank) {
  auto& o = this->options_;
  const char* where = Derived::kClassName;
  const auto axes = static_cast<size_t>(rank);
  internal::require_positive(where, "filters", o.filters);
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
void BaseSeparableConv<Derived>::build(const Shape& input_shape) {
  const auto& o = this->options_;
  const int64_t channels = internal::channels_of(this->name(), input_shape, rank_, o.data_format).value();
  Shape depthwise, pointwise;
  for (const int64_t k : o.kernel_size) {
    depthwise.push_back(k);
    pointwise.push_back(1);
  }
  depthwise.push_back(channels);
  depthwise.push_back(o.depth_multiplier);
  pointwise.push_back(channels * o.depth_multiplier);
  pointwise.push_back(o.filters);
  this->add_weight(depthwise_kernel, "depthwise_kernel", depthwise,
                   {.initializer = o.depthwise_initializer,
                    .regularizer = o.depthwise_regularizer,
                    .constraint = o.depthwise_constraint});
  this->add_weight(pointwise_kernel, "pointwise_kernel", pointwise,
                   {.initializer = o.pointwise_initializer,
                    .regularizer = o.pointwise_regularizer,
                    .constraint = o.pointwise_constraint});
  if (o.use_bias) {
    this->add_weight(bias, "bias", {o.filters},
                     {.initializer = o.bias_initializer,
                      .regularizer = o.bias_regularizer,
                      .constraint = o.bias_constraint});
  }
}

template <class Derived>
Tensor BaseSeparableConv<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  Tensor y = ops::separable_conv(inputs, depthwise_kernel.value(), pointwise_kernel.value(),
                                 internal::spatial_size(o.strides), o.padding, o.data_format,
                                 internal::spatial_size(o.dilation_rate));
  if (o.use_bias) y = y + internal::channel_shaped(bias.value(), rank_, o.data_format);
  return (*o.activation)(y);
}

#define KERAS_DEFINE_SEPARABLE_CONV(Name)                                              \
  KERAS_REGISTER_LAYER(Name);                                                          \
  template class BaseSeparableConv<Name>;                                              \
  Name::Name(int64_t filters, IntTuple kernel_size, SeparableConvLayerOptions options) \
      : Name([&] {                                                                     \
          options.filters = filters;                                                   \
          options.kernel_size = std::move(kernel_size);                                \
          return std::move(options);                                                   \
        }()) {}
KERAS_DEFINE_SEPARABLE_CONV(SeparableConv1D)
KERAS_DEFINE_SEPARABLE_CONV(SeparableConv2D)
#undef KERAS_DEFINE_SEPARABLE_CONV

}  // namespace keras::layers
