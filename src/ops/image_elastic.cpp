// SPDX-License-Identifier: Apache-2.0
// Images distorted by smooth random displacements.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/image.h"
#include "keras/random.h"
#include "ops/data_format.h"
#include "ops/image_batch.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops::image {

using namespace internal;

Tensor elastic_transform(const Tensor& images, double alpha, double sigma, const std::string& interpolation,
                         const std::string& fill_mode, double fill_value, std::optional<int64_t> seed,
                         const std::optional<std::string>& data_format) {
  const char* where = "elastic_transform";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&elastic_transform>(images, alpha, sigma, interpolation, fill_mode, fill_value,
                                               seed, format)) {
    return *node;
  }
  if (interpolation != "nearest" && interpolation != "bilinear") {
    fail_unknown_name(where, "interpolation", interpolation, {"nearest", "bilinear"});
  }
  // The window around a place is six times as wide.
  if (!(sigma > 0 && sigma < std::numeric_limits<int32_t>::max() / 6.0)) {
    fail<ValueError>(
        {where, "sigma must be a positive number of elements", fmt::format("sigma={}", sigma), ""});
  }
  const ImageBatch batch(where, images, format);
  const Tensor& values = batch.values();
  if (AbstractEvaluation::running()) {
    return AbstractEvaluation::tensor({as_plain(images).dtype(), images.shape()});
  }
  const Tensor x = as_float(values);
  const Shape plane{x.dim(0), x.dim(1), x.dim(2), Dim(1)};
  // Two draws of one source, so that the two directions are independent.
  const auto source = seed ? random::SeedGenerator(*seed) : random::global_seed_generator();
  const int64_t window = (6 * static_cast<int64_t>(sigma)) | 1;
  const auto displacement = [&] {
    const Tensor noise = random::normal(plane, 0.0, sigma, x.dtype(), source);
    return prim::mul(gaussian_blur(noise, {window, window}, {sigma, sigma}, "channels_last"),
                     prim::scalar_like(x, alpha));
  };
  const Tensor down = displacement(), right = displacement();
  // The coordinates of every element on all four axes; those of batch and channels are whole.
  const auto moved = [&](int axis) {
    const Tensor place = prim::iota(x.dtype(), x.shape(), axis);
    if (axis == 1) return prim::add(place, down);
    return axis == 2 ? prim::add(place, right) : place;
  };
  std::vector<Tensor> coordinates;
  for (int axis = 0; axis < 4; ++axis) coordinates.push_back(prim::expand_dims(moved(axis), 0));
  const Tensor y = map_coordinates(x, prim::concat(coordinates, 0), interpolation == "nearest" ? 0 : 1,
                                   fill_mode, fill_value);
  const Tensor rounded = is_float(values.dtype()) ? y : prim::round(y);
  return batch.restore(prim::cast(rounded, values.dtype()));
}

}  // namespace keras::ops::image
