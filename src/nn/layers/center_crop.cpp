// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/center_crop.h"

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/image.h"
#include "nn/conv_arguments.h"
#include "nn/data_format.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(CenterCrop);

CenterCrop::CenterCrop(CenterCropOptions options) : ConfiguredLayer(std::move(options)) {
  internal::require_positive(kClassName, "height", options_.height);
  internal::require_positive(kClassName, "width", options_.width);
  options_.data_format = internal::standardize_data_format(kClassName, options_.data_format);
}

CenterCrop::CenterCrop(int64_t height, int64_t width, CenterCropOptions options)
    : CenterCrop([&] {
        options.height = height;
        options.width = width;
        return std::move(options);
      }()) {}

Tensor CenterCrop::call(const Tensor& inputs, const CallArgs&) {
  if (inputs.rank() != 3 && inputs.rank() != 4) {
    internal::fail<ValueError>({name(), "The input must be one image (rank 3) or a batch (rank 4)",
                                "shape " + inputs.shape().to_string(), ""});
  }
  const Tensor x = ops::cast(inputs, compute_dtype());
  const int vertical = options_.data_format == "channels_first" ? x.rank() - 2 : x.rank() - 3;
  const auto too_small = [](Dim extent, int64_t wanted) { return extent.known() && extent.value() < wanted; };
  if (too_small(x.dim(vertical), options_.height) || too_small(x.dim(vertical + 1), options_.width)) {
    const Tensor resized = ops::image::resize(x, {options_.height, options_.width}, "bilinear", false, true,
                                              false, "constant", 0.0, options_.data_format);
    return ops::cast(resized, compute_dtype());
  }
  const auto middle = [](const Tensor& t, int axis, int64_t wanted) {
    const Dim start = (t.dim(axis) - Dim(wanted)) / Dim(2);
    return internal::prim::slice_axis(t, axis, start, start + Dim(wanted));
  };
  return middle(middle(x, vertical, options_.height), vertical + 1, options_.width);
}

}  // namespace keras::layers
