// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/conv_transpose.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/convolution.h"
#include "keras/ops/operators.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BaseConvTranspose<Derived>::BaseConvTranspose(int rank, ConvTransposeLayerOptions options)
    : ConfiguredLayer<Derived, ConvTransposeLayerOptions>(std::move(options)), rank_(rank) {
  auto& o = this->options_;
  const char* where = Derived::kClassName;
  const auto axes = static_cast<size_t>(rank);
  internal::require_positive(where, "filters", o.filters);
  o.kernel_size = o.kernel_size.expanded(axes, where, "kernel_size");
  o.strides = o.strides.expanded(axes, where, "strides");
  o.dilation_rate = o.dilation_rate.expanded(axes, where, "dilation_rate");
  o.data_format = internal::standardize_data_format(where, o.data_format);
  o.padding = internal::standardize_padding(where, o.padding);
  internal::forbid_strided_dilation(where, o.strides, o.dilation_rate);
  if (o.output_padding) {
    o.output_padding = o.output_padding->expanded(axes, where, "output_padding", 0);
    for (size_t i = 0; i < axes; ++i) {
      if ((*o.output_padding)[i] < o.strides[i]) continue;
      internal::fail<ValueError>(
          {where, "output_padding must be less than strides on each axis",
           fmt::format("output_padding {}, stride {} on axis {}", (*o.output_padding)[i], o.strides[i], i),
           ""});
    }
  }
  if (!o.activation) o.activation = "linear";
  this->core().activity_regularizer = o.activity_regularizer;
}

template <class Derived>
void BaseConvTranspose<Derived>::build(const Shape& input_shape) {
  const auto& o = this->options_;
  Shape shape;
  for (const int64_t k : o.kernel_size) shape.push_back(k);
  shape.push_back(o.filters);
  shape.push_back(internal::channels_of(this->name(), input_shape, rank_, o.data_format));
  this->add_weight(kernel, "kernel", shape,
                   {.initializer = o.kernel_initializer,
                    .regularizer = o.kernel_regularizer,
                    .constraint = o.kernel_constraint});
  if (o.use_bias) {
    this->add_weight(bias, "bias", {o.filters},
                     {.initializer = o.bias_initializer,
                      .regularizer = o.bias_regularizer,
                      .constraint = o.bias_constraint});
  }
}

template <class Derived>
Tensor BaseConvTranspose<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  std::optional<ops::Integers> output_padding;
  if (o.output_padding) output_padding = internal::spatial_size(*o.output_padding);
  Tensor y = ops::conv_transpose(inputs, kernel.value(), internal::spatial_size(o.strides), o.padding,
                                 output_padding, o.data_format, internal::spatial_size(o.dilation_rate));
  if (o.use_bias) y = y + internal::channel_shaped(bias.value(), rank_, o.data_format);
  return (*o.activation)(y);
}

#define KERAS_DEFINE_CONV_TRANSPOSE(Name)                                              \
  KERAS_REGISTER_LAYER(Name);                                                          \
  template class BaseConvTranspose<Name>;                                              \
  Name::Name(int64_t filters, IntTuple kernel_size, ConvTransposeLayerOptions options) \
      : Name([&] {                                                                     \
          options.filters = filters;                                                   \
          options.kernel_size = std::move(kernel_size);                                \
          return std::move(options);                                                   \
        }()) {}
KERAS_DEFINE_CONV_TRANSPOSE(Conv1DTranspose)
KERAS_DEFINE_CONV_TRANSPOSE(Conv2DTranspose)
KERAS_DEFINE_CONV_TRANSPOSE(Conv3DTranspose)
#undef KERAS_DEFINE_CONV_TRANSPOSE

}  // namespace keras::layers
