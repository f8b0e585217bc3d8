// SPDX-License-Identifier: Apache-2.0
// Edges and structural similarity: small fixed windows over every channel.
#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/ops/image.h"
#include "ops/data_format.h"
#include "ops/image_batch.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops::image {

using namespace internal;

namespace {

int64_t known_channels(const char* where, Dim d) {
  if (!d.known()) {
    fail<ValueError>({where, "The channels of the images must be known", d.to_string() + " channels", ""});
  }
  return d.value();
}

// Each channel by itself through `windows` (rows by columns, one after the other), without padding: (N, H, W,
// C) to (N, H', W', C * windows).
Tensor filtered(const Tensor& x, const std::vector<std::vector<double>>& windows, int64_t size) {
  const int64_t channels = x.dim(3).value();
  const auto count = static_cast<int64_t>(windows.size());
  std::vector<double> kernel;
  for (int64_t tap = 0; tap < size * size; ++tap) {
    for (int64_t c = 0; c < channels; ++c) {
      for (const auto& window : windows) kernel.push_back(window[static_cast<size_t>(tap)]);
    }
  }
  auto at = make_attributes<ConvAttributes>();
  at.strides = at.dilations = to_list({1, 1});
  at.pad_low = at.pad_high = to_list({0, 0});
  at.groups = channels;
  return prim::conv(x, prim::cast(Tensor::from(kernel, Shape{size, size, 1, channels * count}), x.dtype()),
                    at);
}

// One element mirrored at both ends of an axis, the edge itself not repeated.
Tensor mirrored(const char* where, const Tensor& x, int axis) {
  const Dim extent = x.dim(axis);
  if (extent.known() && extent.value() < 2) {
    fail<ValueError>({where, "Height and width must be at least 2", "shape " + x.shape().to_string(), ""});
  }
  return prim::concat({prim::slice_axis(x, axis, Dim(1), Dim(2)), x,
                       prim::slice_axis(x, axis, extent - Dim(2), extent - Dim(1))},
                      axis);
}

}  // namespace

Tensor sobel_edges(const Tensor& images, const std::optional<std::string>& data_format) {
  const char* where = "sobel_edges";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&sobel_edges>(images, format)) return *node;
  if (images.rank() != 4) {
    fail<ValueError>({where, "Images must have rank 4", "shape " + images.shape().to_string(), ""});
  }
  const ImageBatch batch(where, images, format);
  const int64_t channels = known_channels(where, batch.channels());
  const Tensor x = mirrored(where, mirrored(where, as_float(batch.values()), 1), 2);
  const std::vector<std::vector<double>> windows{{-1, -2, -1, 0, 0, 0, 1, 2, 1},
                                                 {-1, 0, 1, -2, 0, 2, -1, 0, 1}};
  const Tensor y = filtered(x, windows, 3);
  const Tensor edges = prim::reshape(y, Shape{y.dim(0), y.dim(1), y.dim(2), Dim(channels), Dim(2)});
  return channels_first(where, format) ? prim::transpose(edges, {0, 3, 1, 2, 4}) : edges;
}

Tensor ssim(const Tensor& image1, const Tensor& image2, double max_val, int64_t filter_size,
            double filter_sigma, double k1, double k2, const std::optional<std::string>& data_format) {
  const char* where = "ssim";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&ssim>(image1, image2, max_val, filter_size, filter_sigma, k1, k2, format)) {
    return *node;
  }
  if (filter_size < 1 || !(filter_sigma > 0)) {
    fail<ValueError>({where, "filter_size and filter_sigma must be positive",
                      fmt::format("filter_size={}, filter_sigma={}", filter_size, filter_sigma), ""});
  }
  const ImageBatch first(where, image1, format), second(where, image2, format);
  const Shape &a = first.values().shape(), &b = second.values().shape();
  for (size_t i = 0; i < a.size(); ++i) {
    if (image1.rank() == image2.rank() && (a[i] == b[i] || !a[i].known() || !b[i].known())) continue;
    fail<ValueError>({where, "The images must have one shape",
                      fmt::format("{} and {}", image1.shape().to_string(), image2.shape().to_string()), ""});
  }
  for (const Dim extent : {first.height(), first.width()}) {
    if (!extent.known() || extent.value() >= filter_size) continue;
    fail<ValueError>({where, "The images must be at least as large as the filter",
                      fmt::format("shape {}, filter_size={}", image1.shape().to_string(), filter_size),
                      "give a smaller filter_size"});
  }
  host_entries(where, sizeof(double), {filter_size, filter_size, known_channels(where, first.channels())});
  const Tensor x = as_float(first.values()), y = prim::cast(as_plain(second.values()), x.dtype());
  std::vector<double> line, window;
  double sum = 0;
  for (int64_t i = 0; i < filter_size; ++i) {
    const double t = static_cast<double>(i) - static_cast<double>(filter_size - 1) / 2;
    sum += line.emplace_back(std::exp(-t * t / (2 * filter_sigma * filter_sigma)));
  }
  for (const double r : line) {
    for (const double c : line) window.push_back(r * c / (sum * sum));
  }
  const auto blurred = [&](const Tensor& t) { return filtered(t, {window}, filter_size); };
  const auto plus = [&](const Tensor& t, double c) { return prim::add(t, prim::scalar_like(t, c)); };
  const auto twice = [&](const Tensor& t) { return prim::add(t, t); };
  const Tensor mean1 = blurred(x), mean2 = blurred(y);
  const Tensor square1 = prim::mul(mean1, mean1), square2 = prim::mul(mean2, mean2);
  const Tensor product = prim::mul(mean1, mean2);
  const Tensor variance1 = prim::sub(blurred(prim::mul(x, x)), square1);
  const Tensor variance2 = prim::sub(blurred(prim::mul(y, y)), square2);
  const Tensor covariance = prim::sub(blurred(prim::mul(x, y)), product);
  const double c1 = (k1 * max_val) * (k1 * max_val), c2 = (k2 * max_val) * (k2 * max_val);
  const Tensor numerator = prim::mul(plus(twice(product), c1), plus(twice(covariance), c2));
  const Tensor denominator =
      prim::mul(plus(prim::add(square1, square2), c1), plus(prim::add(variance1, variance2), c2));
  const Tensor map = prim::div(numerator, denominator);
  const Tensor total = prim::reduce_sum(map, {1, 2, 3});
  Tensor count = prim::scalar_like(total, 1);
  for (int axis = 1; axis < 4; ++axis) count = prim::mul(count, prim::extent(map, axis, total.dtype()));
  const Tensor mean = prim::cast(prim::div(total, count), as_plain(image1).dtype());
  return image1.rank() == 3 ? prim::squeeze(mean, Axes{0}) : mean;
}

}  // namespace keras::ops::image
