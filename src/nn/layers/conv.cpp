// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/conv.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/convolution.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

namespace {

ConvLayerOptions with_window(ConvLayerOptions options, int64_t filters, IntTuple kernel_size) {
  options.filters = filters;
  options.kernel_size = std::move(kernel_size);
  return options;
}

}  // namespace

template <class Derived>
BaseConv<Derived>::BaseConv(int rank, ConvLayerOptions options)
    : ConfiguredLayer<Derived, ConvLayerOptions>(std::move(options)), rank_(rank) {
  auto& o = this->options_;
  const char* where = Derived::kClassName;
  const auto axes = static_cast<size_t>(rank);
  internal::require_positive(where, "filters", o.filters);
  internal::require_positive(where, "groups", o.groups);
  if (o.filters % o.groups != 0) {
    internal::fail<ValueError>({where, "filters must be a multiple of groups",
                                fmt::format("filters={}, groups={}", o.filters, o.groups), ""});
  }
  o.kernel_size = o.kernel_size.expanded(axes, where, "kernel_size");
  o.strides = o.strides.expanded(axes, where, "strides");
  o.dilation_rate = o.dilation_rate.expanded(axes, where, "dilation_rate");
  o.data_format = internal::standardize_data_format(where, o.data_format);
  o.padding = internal::standardize_padding(where, o.padding, rank == 1);
  internal::forbid_strided_dilation(where, o.strides, o.dilation_rate);
  if (!o.activation) o.activation = "linear";
  this->core().activity_regularizer = o.activity_regularizer;
}

template <class Derived>
void BaseConv<Derived>::build(const Shape& input_shape) {
  const auto& o = this->options_;
  const Dim channels = internal::channels_of(this->name(), input_shape, rank_, o.data_format);
  if (channels.value() % o.groups != 0) {
    internal::fail<ValueError>({this->name(), "The input channels must be a multiple of groups",
                                fmt::format("input {}, groups={}", input_shape.to_string(), o.groups), ""});
  }
  Shape shape;
  for (const int64_t k : o.kernel_size) shape.push_back(k);
  shape.push_back(channels.value() / o.groups);
  shape.push_back(o.filters);
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
  if (o.lora_rank) enable_lora(*o.lora_rank, {.alpha = o.lora_alpha});
}

template <class Derived>
void BaseConv<Derived>::enable_lora(int64_t rank, LoraOptions options) {
  const auto& o = this->options_;
  this->add_factors(this->name(), "kernel", static_cast<bool>(o.kernel_constraint), o.kernel_regularizer,
                    rank, options,
                    [this](Variable& member, std::string_view weight, const Shape& shape,
                           const WeightOptions& how) { this->add_weight(member, weight, shape, how); });
}

template <class Derived>
Json BaseConv<Derived>::get_config() const {
  return this->with_lora(ConfiguredLayer<Derived, ConvLayerOptions>::get_config());
}

template <class Derived>
Tensor BaseConv<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  Tensor y = ops::conv(inputs, this->merged_weight(this->compute_dtype()), internal::spatial_size(o.strides),
                       o.padding, o.data_format, internal::spatial_size(o.dilation_rate));
  if (o.use_bias) y = y + internal::channel_shaped(bias.value(), rank_, o.data_format);
  return (*o.activation)(y);
}

KERAS_REGISTER_LAYER(Conv1D);
KERAS_REGISTER_LAYER(Conv2D);
KERAS_REGISTER_LAYER(Conv3D);

template class BaseConv<Conv1D>;
template class BaseConv<Conv2D>;
template class BaseConv<Conv3D>;

Conv1D::Conv1D(int64_t filters, IntTuple kernel_size, Conv1DOptions options)
    : Conv1D(with_window(std::move(options), filters, std::move(kernel_size))) {}
Conv2D::Conv2D(int64_t filters, IntTuple kernel_size, Conv2DOptions options)
    : Conv2D(with_window(std::move(options), filters, std::move(kernel_size))) {}
Conv3D::Conv3D(int64_t filters, IntTuple kernel_size, Conv3DOptions options)
    : Conv3D(with_window(std::move(options), filters, std::move(kernel_size))) {}

}  // namespace keras::layers
