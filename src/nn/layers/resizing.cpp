// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/resizing.h"

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/image.h"
#include "keras/ops/numpy.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Resizing);

namespace {

// The smallest and largest integers of a dtype; 64 bits stop where float32 still holds them.
std::pair<double, double> integer_range(DType dtype) {
  switch (dtype) {
    case DType::bool_:
      return {0, 1};
    case DType::uint8:
      return {0, 255};
    case DType::int8:
      return {-128, 127};
    case DType::uint16:
      return {0, 65535};
    case DType::int16:
      return {-32768, 32767};
    case DType::uint32:
      return {0, 4294967040.0};
    case DType::uint64:
      return {0, 18446742974197923840.0};
    case DType::int64:
      return {-9223372036854775808.0, 9223371487098961920.0};
    default:
      return {-2147483648.0, 2147483520.0};
  }
}

}  // namespace

Resizing::Resizing(ResizingOptions options) : ConfiguredLayer(std::move(options)) {
  auto& o = options_;
  internal::require_positive(kClassName, "height", o.height);
  internal::require_positive(kClassName, "width", o.width);
  const std::vector<std::string> names{"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"};
  if (std::find(names.begin(), names.end(), o.interpolation) == names.end()) {
    internal::fail_unknown_name(kClassName, "interpolation", o.interpolation, names);
  }
  o.data_format = internal::standardize_data_format(kClassName, o.data_format);
}

Resizing::Resizing(int64_t height, int64_t width, ResizingOptions options)
    : Resizing([&] {
        options.height = height;
        options.width = width;
        return std::move(options);
      }()) {}

Tensor Resizing::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = options_;
  const Tensor resized =
      ops::image::resize(inputs, {o.height, o.width}, o.interpolation, o.antialias, o.crop_to_aspect_ratio,
                         o.pad_to_aspect_ratio, o.fill_mode, o.fill_value, o.data_format);
  if (resized.dtype() == inputs.dtype()) return resized;
  if (is_float(inputs.dtype())) return ops::cast(resized, inputs.dtype());
  const auto [low, high] = integer_range(inputs.dtype());
  return ops::cast(ops::clip(ops::round(resized), low, high), inputs.dtype());
}

}  // namespace keras::layers
