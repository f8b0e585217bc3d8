// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "ops/data_format.h"
#include "ops/image_batch.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::internal {

ImageBatch::ImageBatch(std::string_view where, const Tensor& images,
                       const std::optional<std::string>& data_format)
    : values_(as_plain(images)),
      channels_first_(channels_first(where, data_format)),
      single_(images.rank() == 3) {
  if (images.rank() != 3 && images.rank() != 4) {
    fail<ValueError>(
        {where, "Images must have rank 3 (one) or 4 (a batch)", "shape " + images.shape().to_string(), ""});
  }
  if (single_) values_ = prim::expand_dims(values_, 0);
  if (channels_first_) values_ = to_channels_last(values_);
}

Tensor ImageBatch::restore(const Tensor& result) const {
  const Tensor ordered = channels_first_ ? to_channels_first(result) : result;
  return single_ ? prim::squeeze(ordered, Axes{0}) : ordered;
}

}  // namespace keras::internal

namespace keras::ops::image {

using namespace internal;

namespace {

Tensor channel(const Tensor& x, int64_t i) { return prim::slice_axis(x, 3, Dim(i), Dim(i + 1)); }
Tensor times(const Tensor& x, double factor) { return prim::mul(x, prim::scalar_like(x, factor)); }
Tensor plus(const Tensor& x, double summand) { return prim::add(x, prim::scalar_like(x, summand)); }

void check_color(const char* where, const ImageBatch& batch) {
  if (!is_float(batch.values().dtype())) {
    fail<ValueError>({where, "Images must have a float dtype",
                      std::string(dtype_name(batch.values().dtype())), "cast them"});
  }
  if (batch.channels().value_or(3) != 3) {
    fail<ValueError>({where, "Images must have 3 channels", batch.channels().to_string() + " channels", ""});
  }
}

int64_t known(const char* where, Dim d) {
  if (!d.known()) fail<ValueError>({where, "The extents of the images must be known", d.to_string(), ""});
  return d.value();
}

}  // namespace

Tensor rgb_to_grayscale(const Tensor& images, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("rgb_to_grayscale", data_format);
  if (auto node = symbolic<&rgb_to_grayscale>(images, format)) return *node;
  const ImageBatch batch("rgb_to_grayscale", images, format);
  const int64_t channels = batch.channels().value_or(3);
  if (channels == 1) return batch.restore(batch.values());
  if (channels != 3) {
    fail<ValueError>(
        {"rgb_to_grayscale", "Images must have 1 or 3 channels", fmt::format("{} channels", channels), ""});
  }
  const Tensor x = as_float(batch.values());
  const Tensor weights =
      prim::cast(Tensor::from(std::vector<double>{0.2989, 0.5870, 0.1140}, Shape{3, 1}), x.dtype());
  return batch.restore(prim::cast(prim::dot_general(x, weights, {3}, {0}), batch.values().dtype()));
}

Tensor rgb_to_hsv(const Tensor& images, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("rgb_to_hsv", data_format);
  if (auto node = symbolic<&rgb_to_hsv>(images, format)) return *node;
  const ImageBatch batch("rgb_to_hsv", images, format);
  check_color("rgb_to_hsv", batch);
  const Tensor r = channel(batch.values(), 0), g = channel(batch.values(), 1), b = channel(batch.values(), 2);
  const Tensor zero = prim::scalar_like(r, 0), one = prim::scalar_like(r, 1);
  const Tensor value = prim::maximum(prim::maximum(r, g), b);
  const Tensor range = prim::sub(value, prim::minimum(prim::minimum(r, g), b));
  const Tensor bright = prim::greater(value, zero), colored = prim::greater(range, zero);
  const Tensor saturation = prim::select(bright, prim::div(range, prim::select(bright, value, one)), zero);
  const Tensor sixth = prim::div(prim::scalar_like(r, 1.0 / 6.0), prim::select(colored, range, one));
  const auto part = [&](const Tensor& x, const Tensor& y, double start) {
    return plus(prim::mul(sixth, prim::sub(x, y)), start);
  };
  Tensor hue = prim::select(prim::equal(value, g), part(b, r, 2.0 / 6.0), part(r, g, 4.0 / 6.0));
  hue = prim::select(prim::equal(value, r), part(g, b, 0), hue);
  hue = prim::select(colored, hue, zero);
  hue = prim::select(prim::less(hue, zero), plus(hue, 1), hue);
  return batch.restore(prim::concat({hue, saturation, value}, 3));
}

Tensor hsv_to_rgb(const Tensor& images, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("hsv_to_rgb", data_format);
  if (auto node = symbolic<&hsv_to_rgb>(images, format)) return *node;
  const ImageBatch batch("hsv_to_rgb", images, format);
  check_color("hsv_to_rgb", batch);
  const Tensor hue = times(channel(batch.values(), 0), 6), saturation = channel(batch.values(), 1);
  const Tensor value = channel(batch.values(), 2);
  const auto ramp = [&](double centre, double sign, double offset) {
    const Tensor raw = plus(times(prim::abs(plus(hue, -centre)), sign), offset);
    const Tensor share =
        prim::minimum(prim::maximum(raw, prim::scalar_like(raw, 0)), prim::scalar_like(raw, 1));
    const Tensor white = prim::sub(prim::scalar_like(raw, 1), saturation);
    return prim::mul(prim::add(white, prim::mul(saturation, share)), value);
  };
  return batch.restore(prim::concat({ramp(3, 1, -1), ramp(2, -1, 2), ramp(4, -1, 2)}, 3));
}

namespace {

// The extent that keeps the aspect ratio, computed in float32 as Keras does.
int64_t in_ratio(int64_t other, int64_t target, int64_t other_target) {
  return static_cast<int64_t>(static_cast<float>(other * target) / static_cast<float>(other_target));
}

Tensor fill_edges(const Tensor& x, int axis, int64_t edge, double value) {
  if (edge <= 0) return x;
  SmallVector<int64_t, 6> low(x.shape().size(), 0);
  low[static_cast<size_t>(axis)] = edge;
  return prim::pad(x, prim::scalar_like(x, value), low, low);
}

int64_t interpolation_of(const std::string& name) {
  const std::vector<std::string> names{"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"};
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) fail_unknown_name("resize", "interpolation", name, names);
  return it - names.begin();
}

}  // namespace

Tensor resize(const Tensor& images, const Integers& size, const std::string& interpolation, bool antialias,
              bool crop_to_aspect_ratio, bool pad_to_aspect_ratio, const std::string& fill_mode,
              double fill_value, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("resize", data_format);
  if (auto node = symbolic<&resize>(images, size, interpolation, antialias, crop_to_aspect_ratio,
                                    pad_to_aspect_ratio, fill_mode, fill_value, format)) {
    return *node;
  }
  auto at = make_attributes<ResizeAttributes>();
  at.interpolation = interpolation_of(interpolation);
  at.antialias = antialias ? 1 : 0;
  if (fill_mode != "constant") fail_unknown_name("resize", "fill_mode", fill_mode, {"constant"});
  if (crop_to_aspect_ratio && pad_to_aspect_ratio) {
    fail<ValueError>(
        {"resize", "Only one of crop_to_aspect_ratio and pad_to_aspect_ratio may be true", "both", ""});
  }
  if (size.size() != 2 || size[0] < 1 || size[1] < 1) {
    fail<ValueError>({"resize", "size must be a positive height and width",
                      fmt::format("size=({})", fmt::join(size.values(), ", ")), ""});
  }
  at.size = to_list({size[0], size[1]});
  const ImageBatch batch("resize", images, format);
  Tensor x = batch.values();
  if (crop_to_aspect_ratio || pad_to_aspect_ratio) {
    const int64_t h = known("resize", batch.height()), w = known("resize", batch.width());
    const int64_t tall = in_ratio(w, size[0], size[1]), wide = in_ratio(h, size[1], size[0]);
    if (crop_to_aspect_ratio) {
      const int64_t rows = std::max<int64_t>(std::min(h, tall), 1),
                    columns = std::max<int64_t>(std::min(w, wide), 1);
      const int64_t top = (h - rows) / 2, left = (w - columns) / 2;
      x = prim::slice_axis(prim::slice_axis(x, 1, Dim(top), Dim(top + rows)), 2, Dim(left),
                           Dim(left + columns));
    } else {
      x = fill_edges(x, 1, (std::max(h, tall) - h) / 2, fill_value);
      x = fill_edges(x, 2, (std::max(w, wide) - w) / 2, fill_value);
    }
  }
  if (at.interpolation != KERAS_NEAREST) x = prim::cast(x, DType::float32);
  return batch.restore(apply_op(OpId::resize_op, at, {x}));
}

namespace {

void check_two_given(const char* where, const char* names,
                     std::initializer_list<std::optional<int64_t>> values) {
  int missing = 0;
  for (const auto& v : values) {
    if (!v) ++missing;
    if (v && *v < 0)
      fail<ValueError>({where, fmt::format("{} must not be negative", names), fmt::format("{}", *v), ""});
  }
  if (missing != 1) {
    fail<ValueError>({where, fmt::format("Exactly two of {} must be given", names),
                      fmt::format("{} given", 3 - missing), ""});
  }
}

struct Edges {
  Dim before = 0;
  Dim after = 0;
};

void check_edges(const char* where, const Edges& e) {
  for (const Dim d : {e.before, e.after}) {
    if (d.known()) continue;
    fail<ValueError>(
        {where, "The extents of the images must be known where a target is given", d.to_string(), ""});
  }
}

// extent + before + after = target, or extent - before - after = target.
Edges edges_of(const char* where, Dim extent, std::optional<int64_t> before, std::optional<int64_t> after,
               std::optional<int64_t> target, int64_t sign) {
  if (before && after) return {Dim(*before), Dim(*after)};
  const int64_t total = sign * (*target - known(where, extent));
  const int64_t other = total - (before ? *before : *after);
  if (other < 0) {
    fail<ValueError>(
        {where, "The target must agree with the images and the given edge",
         fmt::format("extent {}, target {}, edge {}", extent.to_string(), *target, before ? *before : *after),
         ""});
  }
  return before ? Edges{Dim(*before), Dim(other)} : Edges{Dim(other), Dim(*after)};
}

}  // namespace

Tensor pad_images(const Tensor& images, std::optional<int64_t> top_padding,
                  std::optional<int64_t> left_padding, std::optional<int64_t> bottom_padding,
                  std::optional<int64_t> right_padding, std::optional<int64_t> target_height,
                  std::optional<int64_t> target_width, const std::optional<std::string>& data_format) {
  const char* where = "pad_images";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&pad_images>(images, top_padding, left_padding, bottom_padding, right_padding,
                                        target_height, target_width, format)) {
    return *node;
  }
  check_two_given(where, "top_padding, bottom_padding, target_height",
                  {top_padding, bottom_padding, target_height});
  check_two_given(where, "left_padding, right_padding, target_width",
                  {left_padding, right_padding, target_width});
  const ImageBatch batch(where, images, format);
  const Edges rows = edges_of(where, batch.height(), top_padding, bottom_padding, target_height, 1);
  const Edges columns = edges_of(where, batch.width(), left_padding, right_padding, target_width, 1);
  check_edges(where, rows);
  check_edges(where, columns);
  const Tensor tall = prim::pad_axis(batch.values(), 1, rows.before.value(), rows.after.value());
  return batch.restore(prim::pad_axis(tall, 2, columns.before.value(), columns.after.value()));
}

Tensor crop_images(const Tensor& images, std::optional<int64_t> top_cropping,
                   std::optional<int64_t> left_cropping, std::optional<int64_t> bottom_cropping,
                   std::optional<int64_t> right_cropping, std::optional<int64_t> target_height,
                   std::optional<int64_t> target_width, const std::optional<std::string>& data_format) {
  const char* where = "crop_images";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&crop_images>(images, top_cropping, left_cropping, bottom_cropping, right_cropping,
                                         target_height, target_width, format)) {
    return *node;
  }
  check_two_given(where, "top_cropping, bottom_cropping, target_height",
                  {top_cropping, bottom_cropping, target_height});
  check_two_given(where, "left_cropping, right_cropping, target_width",
                  {left_cropping, right_cropping, target_width});
  const ImageBatch batch(where, images, format);
  const Edges rows = edges_of(where, batch.height(), top_cropping, bottom_cropping, target_height, -1);
  const Edges columns = edges_of(where, batch.width(), left_cropping, right_cropping, target_width, -1);
  for (const auto& [edges, extent] : {std::pair{rows, batch.height()}, std::pair{columns, batch.width()}}) {
    const Dim kept = extent - edges.before - edges.after;
    if (extent.known() && edges.before.value() + edges.after.value() > extent.value()) {
      fail<ValueError>(
          {where, "The images must be at least as large as what is cut off", kept.to_string(), ""});
    }
  }
  const Tensor lines = prim::slice_axis(batch.values(), 1, rows.before, batch.height() - rows.after);
  return batch.restore(prim::slice_axis(lines, 2, columns.before, batch.width() - columns.after));
}

namespace {

// x is channels last; patches of all positions of the window are strided slices, side by side as channels.
Tensor patches_of(const char* where, const Tensor& input, const SmallVector<int64_t, 3>& size,
                  const SmallVector<int64_t, 3>& strides, const SmallVector<int64_t, 3>& dilations,
                  const std::string& padding) {
  Tensor x = input;
  const size_t spatial = size.size();
  SmallVector<Dim, 3> counts;
  for (size_t i = 0; i < spatial; ++i) {
    const int axis = static_cast<int>(i) + 1;
    const int64_t reach = (size[i] - 1) * dilations[i] + 1;
    if (padding == "causal") fail_unknown_name(where, "padding", padding, {"valid", "same"});
    const EdgePadding edge = edge_padding(where, padding, x.dim(axis), reach, strides[i]);
    x = prim::pad_axis(x, axis, known(where, edge.low), known(where, edge.high));
    if (x.dim(axis).known() && x.dim(axis).value() < reach) {
      fail<ValueError>({where, "The images must be at least as large as a patch",
                        "shape " + input.shape().to_string(), ""});
    }
    counts.push_back((x.dim(axis) - Dim(reach)) / Dim(strides[i]) + Dim(1));
  }
  std::vector<Tensor> parts;
  SmallVector<int64_t, 3> offset(spatial, 0);
  for (;;) {
    Tensor part = x;
    for (size_t i = 0; i < spatial; ++i) {
      const Dim start(offset[i] * dilations[i]);
      part = prim::slice_axis(part, static_cast<int>(i) + 1, start,
                              start + (counts[i] - Dim(1)) * Dim(strides[i]) + Dim(1), strides[i]);
    }
    parts.push_back(part);
    size_t axis = spatial;
    while (axis > 0 && ++offset[axis - 1] == size[axis - 1]) offset[--axis] = 0;
    if (axis == 0) break;
  }
  return prim::concat(parts, x.rank() - 1);
}

}  // namespace

Tensor extract_patches(const Tensor& images, const Integers& size, const std::optional<Integers>& strides,
                       const Integers& dilation_rate, const std::string& padding,
                       const std::optional<std::string>& data_format) {
  const char* where = "extract_patches";
  const std::optional<std::string> format = resolved_format(where, data_format);
  // A node's config holds the size of every axis, and the strides that none stands for.
  const Integers full = size.single() ? Integers(std::vector<int64_t>{size[0], size[0]}) : size;
  const std::optional<Integers> steps = strides ? *strides : full;
  if (auto node = symbolic<&extract_patches>(images, full, steps, dilation_rate, padding, format))
    return *node;
  if (!size.single() && size.size() == 3) {
    return extract_patches_3d(images, size, strides, dilation_rate, padding, format);
  }
  const ImageBatch batch(where, images, format);
  const auto window = expand(where, "size", size, 2);
  return batch.restore(patches_of(where, batch.values(), window,
                                  strides ? expand(where, "strides", *strides, 2) : window,
                                  expand(where, "dilation_rate", dilation_rate, 2), padding));
}

Tensor extract_patches_3d(const Tensor& volumes, const Integers& size, const std::optional<Integers>& strides,
                          const Integers& dilation_rate, const std::string& padding,
                          const std::optional<std::string>& data_format) {
  const char* where = "extract_patches_3d";
  if (volumes.abstract() && starts_node(volumes)) {
    const Integers full = size.single() ? Integers(std::vector<int64_t>{size[0], size[0], size[0]}) : size;
    return extract_patches(volumes, full, strides, dilation_rate, padding, data_format);
  }
  const bool first = channels_first(where, data_format);
  if (volumes.rank() != 4 && volumes.rank() != 5) {
    fail<ValueError>(
        {where, "Volumes must have rank 4 (one) or 5 (a batch)", "shape " + volumes.shape().to_string(), ""});
  }
  Tensor x = as_plain(volumes);
  const bool single = x.rank() == 4;
  if (single) x = prim::expand_dims(x, 0);
  if (first) x = to_channels_last(x);
  const auto window = expand(where, "size", size, 3);
  Tensor y = patches_of(where, x, window, strides ? expand(where, "strides", *strides, 3) : window,
                        expand(where, "dilation_rate", dilation_rate, 3), padding);
  if (first) y = to_channels_first(y);
  return single ? prim::squeeze(y, Axes{0}) : y;
}

namespace {

std::vector<double> gaussian(int64_t size, double sigma) {
  std::vector<double> out;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double x = (static_cast<double>(i) - static_cast<double>(size - 1) / 2.0) / sigma;
    sum += out.emplace_back(std::exp(-0.5 * x * x));
  }
  for (double& v : out) v /= sum;
  return out;
}

}  // namespace

Tensor gaussian_blur(const Tensor& images, const Integers& kernel_size, const std::vector<double>& sigma,
                     const std::optional<std::string>& data_format) {
  const char* where = "gaussian_blur";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&gaussian_blur>(images, kernel_size, sigma, format)) return *node;
  const ImageBatch batch(where, images, format);
  const auto size = expand(where, "kernel_size", kernel_size, 2);
  if (sigma.size() != 2 || !(sigma[0] > 0) || !(sigma[1] > 0)) {
    fail<ValueError>(
        {where, "sigma must be two positive numbers", fmt::format("sigma=({})", fmt::join(sigma, ", ")), ""});
  }
  const Tensor x = as_float(batch.values());
  const int64_t channels = known(where, batch.channels());
  host_entries(where, sizeof(double), {size[0], size[1], channels});
  const auto columns = gaussian(size[0], sigma[0]), rows = gaussian(size[1], sigma[1]);
  // Keras lays the window out as rows by columns and then reads it as kernel_size.
  std::vector<double> window;
  for (const double r : rows) {
    for (const double c : columns) window.insert(window.end(), static_cast<size_t>(channels), r * c);
  }
  const Tensor kernel = prim::cast(Tensor::from(window, Shape{size[0], size[1], 1, channels}), x.dtype());
  auto at = make_attributes<ConvAttributes>();
  at.strides = at.dilations = to_list({1, 1});
  at.groups = channels;
  at.pad_low = to_list({(size[0] - 1) / 2, (size[1] - 1) / 2});
  at.pad_high = to_list({size[0] - 1 - (size[0] - 1) / 2, size[1] - 1 - (size[1] - 1) / 2});
  return batch.restore(prim::conv(x, kernel, at));
}

}  // namespace keras::ops::image
