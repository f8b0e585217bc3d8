// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/upsampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "keras/base/error.h"
#include "keras/ops/image.h"
#include "nn/data_format.h"
#include "nn/spatial.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(UpSampling1D);
KERAS_REGISTER_LAYER(UpSampling2D);
KERAS_REGISTER_LAYER(UpSampling3D);

namespace {

namespace prim = internal::prim;

// Every element size[i] times along the i-th spatial axis, in one copy: each repeated axis gets an axis of
// its own behind it, which is broadcast and merged in.
Tensor repeated(const Tensor& x, int first, const IntTuple& size) {
  Shape apart, wide, merged;
  for (int a = 0; a < x.rank(); ++a) {
    const int spatial = a - first;
    const bool repeat = spatial >= 0 && spatial < static_cast<int>(size.size());
    const int64_t factor = repeat ? size[static_cast<size_t>(spatial)] : 1;
    apart.push_back(x.dim(a));
    wide.push_back(x.dim(a));
    merged.push_back(x.dim(a) * Dim(factor));
    if (factor == 1) continue;
    apart.push_back(1);
    wide.push_back(factor);
  }
  return prim::reshape(prim::broadcast_to(prim::reshape(x, apart), wide), merged);
}

const std::vector<std::string>& interpolations() {
  static const std::vector<std::string> names{"nearest",  "bilinear", "bicubic",
                                              "lanczos3", "lanczos5", "area"};
  return names;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

UpSampling1D::UpSampling1D(int64_t size, UpSampling1DOptions options)
    : ConfiguredLayer([&] {
        options.size = IntTuple(size).expanded(1, kClassName, "size")[0];
        return std::move(options);
      }()) {}

Tensor UpSampling1D::call(const Tensor& inputs, const CallArgs&) {
  internal::check_spatial_rank(name(), inputs.shape(), 1);
  return repeated(inputs, 1, options_.size);
}

UpSampling2D::UpSampling2D(IntTuple size, UpSampling2DOptions options)
    : ConfiguredLayer([&] {
        options.size = size.expanded(2, kClassName, "size");
        options.data_format = internal::standardize_data_format(kClassName, options.data_format);
        options.interpolation = lower(options.interpolation);
        const auto& names = interpolations();
        if (std::find(names.begin(), names.end(), options.interpolation) == names.end()) {
          internal::fail_unknown_name(kClassName, "interpolation", options.interpolation, names);
        }
        return std::move(options);
      }()) {}

Tensor UpSampling2D::call(const Tensor& inputs, const CallArgs&) {
  internal::check_spatial_rank(name(), inputs.shape(), 2);
  const int first = internal::first_spatial_axis(options_.data_format);
  if (options_.interpolation == "nearest") return repeated(inputs, first, options_.size);
  const Dim height = inputs.dim(first), width = inputs.dim(first + 1);
  if (!height.known() || !width.known()) {
    internal::fail<UnsupportedError>(
        {name(), "Height and width must be known to interpolate", inputs.shape().to_string(),
         "give the Input its height and width, or use interpolation=\"nearest\""});
  }
  return ops::image::resize(inputs, {height.value() * options_.size[0], width.value() * options_.size[1]},
                            options_.interpolation, false, false, false, "constant", 0.0,
                            options_.data_format);
}

UpSampling3D::UpSampling3D(IntTuple size, UpSampling3DOptions options)
    : ConfiguredLayer([&] {
        options.size = size.expanded(3, kClassName, "size");
        options.data_format = internal::standardize_data_format(kClassName, options.data_format);
        return std::move(options);
      }()) {}

Tensor UpSampling3D::call(const Tensor& inputs, const CallArgs&) {
  internal::check_spatial_rank(name(), inputs.shape(), 3);
  return repeated(inputs, internal::first_spatial_axis(options_.data_format), options_.size);
}

}  // namespace keras::layers
