// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/padding.h"

#include "nn/data_format.h"
#include "nn/spatial.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(ZeroPadding1D);
KERAS_REGISTER_LAYER(ZeroPadding2D);
KERAS_REGISTER_LAYER(ZeroPadding3D);

namespace {

Tensor padded(const std::string& where, const Tensor& x, const std::string& data_format,
              const std::vector<Edge>& edges) {
  internal::check_spatial_rank(where, x.shape(), static_cast<int>(edges.size()));
  SmallVector<int64_t, 6> low(x.shape().size(), 0), high(x.shape().size(), 0);
  const auto first = static_cast<size_t>(internal::first_spatial_axis(data_format));
  for (size_t i = 0; i < edges.size(); ++i) {
    low[first + i] = edges[i].before;
    high[first + i] = edges[i].after;
  }
  return internal::prim::pad(x, internal::prim::scalar_like(x, 0), low, high);
}

}  // namespace

ZeroPadding1D::ZeroPadding1D(IntTuple padding, ZeroPadding1DOptions options)
    : ConfiguredLayer([&] {
        options.padding = padding.expanded(2, kClassName, "padding", 0);
        options.data_format = internal::standardize_data_format(kClassName, options.data_format);
        return std::move(options);
      }()) {}

Tensor ZeroPadding1D::call(const Tensor& inputs, const CallArgs&) {
  return padded(name(), inputs, options_.data_format, {{options_.padding[0], options_.padding[1]}});
}

template <class Derived>
BaseZeroPadding<Derived>::BaseZeroPadding(const EdgeSizes& padding, ZeroPaddingOptions options)
    : ConfiguredLayer<Derived, ZeroPaddingOptions>([&] {
        options.padding = padding.expanded(Derived::kRank, Derived::kClassName, "padding");
        options.data_format = internal::standardize_data_format(Derived::kClassName, options.data_format);
        return std::move(options);
      }()) {}

template <class Derived>
Tensor BaseZeroPadding<Derived>::call(const Tensor& inputs, const CallArgs&) {
  return padded(this->name(), inputs, this->options_.data_format, this->options_.padding);
}

template class BaseZeroPadding<ZeroPadding2D>;
template class BaseZeroPadding<ZeroPadding3D>;

}  // namespace keras::layers
