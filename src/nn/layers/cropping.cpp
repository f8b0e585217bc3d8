// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/cropping.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "nn/data_format.h"
#include "nn/spatial.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Cropping1D);
KERAS_REGISTER_LAYER(Cropping2D);
KERAS_REGISTER_LAYER(Cropping3D);

namespace {

// The inputs without what `edges` cut off the spatial axes, the first of which is `first`.
Tensor cropped(const std::string& where, const Tensor& x, int first, const std::vector<Edge>& edges) {
  internal::check_spatial_rank(where, x.shape(), static_cast<int>(edges.size()));
  Tensor out = x;
  for (size_t i = 0; i < edges.size(); ++i) {
    const int axis = first + static_cast<int>(i);
    const Dim extent = x.dim(axis);
    const auto [before, after] = edges[i];
    if (extent.known() && before + after >= extent.value()) {
      internal::fail<ValueError>(
          {where, "cropping must be smaller than the input",
           fmt::format("input {}, cropping {} and {} on axis {}", x.shape().to_string(), before, after, axis),
           ""});
    }
    out = internal::prim::slice_axis(out, axis, Dim(before), extent - Dim(after));
  }
  return out;
}

}  // namespace

Cropping1D::Cropping1D(IntTuple cropping, Cropping1DOptions options)
    : ConfiguredLayer([&] {
        options.cropping = cropping.expanded(2, kClassName, "cropping", 0);
        return std::move(options);
      }()) {}

Tensor Cropping1D::call(const Tensor& inputs, const CallArgs&) {
  return cropped(name(), inputs, 1, {{options_.cropping[0], options_.cropping[1]}});
}

template <class Derived>
BaseCropping<Derived>::BaseCropping(const EdgeSizes& cropping, CroppingOptions options)
    : ConfiguredLayer<Derived, CroppingOptions>([&] {
        options.cropping = cropping.expanded(Derived::kRank, Derived::kClassName, "cropping");
        options.data_format = internal::standardize_data_format(Derived::kClassName, options.data_format);
        return std::move(options);
      }()) {}

template <class Derived>
Tensor BaseCropping<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  return cropped(this->name(), inputs, internal::first_spatial_axis(o.data_format), o.cropping);
}

template class BaseCropping<Cropping2D>;
template class BaseCropping<Cropping3D>;

}  // namespace keras::layers
