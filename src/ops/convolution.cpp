// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "ops/data_format.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

struct Settings {
  Integers strides = 1;
  std::string padding = "valid";
  Integers dilation_rate = 1;
};

std::string describe(const Tensor& inputs, const Tensor& kernel) {
  return fmt::format("inputs.shape={}, kernel.shape={}", inputs.shape().to_string(),
                     kernel.shape().to_string());
}

void check_kernel_rank(const char* where, const Tensor& inputs, const Tensor& kernel) {
  if (kernel.rank() != inputs.rank()) {
    fail<ValueError>({where, "The kernel must have the rank of the inputs: spatial axes, channels, filters",
                      describe(inputs, kernel), ""});
  }
}

int64_t kernel_extent(const Tensor& kernel, int axis, int64_t dilation) {
  return (kernel.dim(axis).value() - 1) * dilation + 1;
}

// x is channels last here.
Tensor convolve(const char* where, const Tensor& x, const Tensor& kernel, const Settings& options,
                int64_t groups) {
  const int spatial = x.rank() - 2;
  if (options.padding == "causal" && spatial != 1) {
    fail<ValueError>({where, "padding=\"causal\" needs exactly one spatial axis", describe(x, kernel), ""});
  }
  const auto strides = expand(where, "strides", options.strides, spatial);
  const auto dilations = expand(where, "dilation_rate", options.dilation_rate, spatial);
  auto at = make_attributes<ConvAttributes>();
  at.strides = to_list(std::span<const int64_t>(strides));
  at.dilations = to_list(std::span<const int64_t>(dilations));
  at.groups = groups;
  Shape low, high;
  for (int i = 0; i < spatial; ++i) {
    const auto k = static_cast<size_t>(i);
    const EdgePadding edge = edge_padding(where, options.padding, x.dim(i + 1),
                                          kernel_extent(kernel, i, dilations[k]), strides[k]);
    low.push_back(edge.low);
    high.push_back(edge.high);
  }
  at.pad_low = to_list(low);
  at.pad_high = to_list(high);
  return prim::conv(x, kernel, at);
}

struct Prepared {
  Tensor x, kernel;
  bool first = false;
};

Prepared prepare(const char* where, const Tensor& inputs, const Tensor& kernel,
                 const std::optional<std::string>& data_format) {
  Prepared p;
  p.first = channels_first(where, data_format);
  spatial_rank(where, inputs);
  check_kernel_rank(where, inputs, kernel);
  std::tie(p.x, p.kernel) = promote_float(inputs, kernel);
  if (p.first) p.x = to_channels_last(p.x);
  return p;
}

Tensor depthwise(const char* where, const Tensor& x, const Tensor& kernel, const Settings& options) {
  const int r = kernel.rank();
  const Dim channels = x.shape().back(), own = kernel.dim(r - 2), multiplier = kernel.dim(r - 1);
  if (channels.known() && own.known() && !(channels == own)) {
    fail<ValueError>({where, "The kernel must have as many channels as the inputs", describe(x, kernel), ""});
  }
  Shape grouped = kernel.shape().sub(0, static_cast<size_t>(r - 2));
  grouped.push_back(1);
  grouped.push_back(own * multiplier);
  return convolve(where, x, prim::reshape(kernel, grouped), options, own.value());
}

}  // namespace

Tensor conv(const Tensor& inputs, const Tensor& kernel, const Integers& strides, const std::string& padding,
            const std::optional<std::string>& data_format, const Integers& dilation_rate) {
  const std::optional<std::string> format = resolved_format("conv", data_format);
  if (auto node = symbolic<&conv>(inputs, kernel, strides, padding, format, dilation_rate)) return *node;
  const Settings options{strides, padding, dilation_rate};
  const Prepared p = prepare("conv", inputs, kernel, format);
  const Dim channels = p.x.shape().back(), own = p.kernel.dim(p.kernel.rank() - 2);
  int64_t groups = 1;
  if (channels.known() && own.known()) {
    if (own.value() < 1 || channels.value() % own.value() != 0) {
      fail<ValueError>({"conv", "The input channels must be a multiple of the kernel's channels",
                        describe(inputs, kernel), "check data_format"});
    }
    groups = channels.value() / own.value();
  }
  const Tensor y = convolve("conv", p.x, p.kernel, options, groups);
  return p.first ? to_channels_first(y) : y;
}

Tensor depthwise_conv(const Tensor& inputs, const Tensor& kernel, const Integers& strides,
                      const std::string& padding, const std::optional<std::string>& data_format,
                      const Integers& dilation_rate) {
  const std::optional<std::string> format = resolved_format("depthwise_conv", data_format);
  if (auto node = symbolic<&depthwise_conv>(inputs, kernel, strides, padding, format, dilation_rate))
    return *node;
  const Settings options{strides, padding, dilation_rate};
  const Prepared p = prepare("depthwise_conv", inputs, kernel, format);
  const Tensor y = depthwise("depthwise_conv", p.x, p.kernel, options);
  return p.first ? to_channels_first(y) : y;
}

Tensor separable_conv(const Tensor& inputs, const Tensor& depthwise_kernel, const Tensor& pointwise_kernel,
                      const Integers& strides, const std::string& padding,
                      const std::optional<std::string>& data_format, const Integers& dilation_rate) {
  const std::optional<std::string> format = resolved_format("separable_conv", data_format);
  if (auto node = symbolic<&separable_conv>(inputs, depthwise_kernel, pointwise_kernel, strides, padding,
                                            format, dilation_rate)) {
    return *node;
  }
  const Settings options{strides, padding, dilation_rate};
  const Prepared p = prepare("separable_conv", inputs, depthwise_kernel, format);
  check_kernel_rank("separable_conv", inputs, pointwise_kernel);
  const Tensor deep = depthwise("separable_conv", p.x, p.kernel, options);
  const Tensor y = convolve("separable_conv", deep, as_dtype(pointwise_kernel, deep.dtype()), Settings(), 1);
  return p.first ? to_channels_first(y) : y;
}

Tensor conv_transpose(const Tensor& inputs, const Tensor& kernel, const Integers& given_strides,
                      const std::string& padding, const std::optional<Integers>& output_padding,
                      const std::optional<std::string>& data_format, const Integers& dilation_rate) {
  const char* where = "conv_transpose";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&conv_transpose>(inputs, kernel, given_strides, padding, output_padding, format,
                                            dilation_rate)) {
    return *node;
  }
  const Prepared p = prepare(where, inputs, kernel, format);
  const int spatial = p.x.rank() - 2;
  const auto strides = expand(where, "strides", given_strides, spatial);
  const auto dilations = expand(where, "dilation_rate", dilation_rate, spatial);
  const bool same = padding == "same";
  if (!same && padding != "valid") {
    fail_unknown_name(where, "padding", padding, {"valid", "same"});
  }
  SmallVector<int64_t, 3> extra;
  if (output_padding) extra = expand(where, "output_padding", *output_padding, spatial, 0);
  auto at = make_attributes<ConvAttributes>();
  at.strides = to_list(std::span<const int64_t>(strides));
  at.dilations = to_list(std::span<const int64_t>(dilations));
  at.groups = 1;
  Shape low, high, result{p.x.dim(0)};
  for (int i = 0; i < spatial; ++i) {
    const auto k = static_cast<size_t>(i);
    const int64_t extent = kernel_extent(p.kernel, i, dilations[k]), stride = strides[k];
    const Dim in = p.x.dim(i + 1);
    // The result's extent beyond (in - 1) * stride.
    int64_t last;
    if (same) {
      last = extra.empty() ? stride : extent % 2 + extra[k];
    } else {
      last = extent + (extra.empty() ? std::max(extent, stride) - extent : extra[k]);
    }
    result.push_back((in - Dim(1)) * Dim(stride) + Dim(last));
    const int64_t total = same ? std::max<int64_t>(extent - last, 0) : 0;
    low.push_back(Dim(total / 2));
    high.push_back(Dim(total - total / 2));
  }
  result.push_back(p.kernel.dim(p.kernel.rank() - 2));
  at.pad_low = to_list(low);
  at.pad_high = to_list(high);
  at.input_shape = to_list(result);
  const Tensor y = prim::conv_grad_input(p.x, p.kernel, at);
  return p.first ? to_channels_first(y) : y;
}

// unfold and fold: blocks are strided slices of the padded image.

namespace {

struct Blocks {
  SmallVector<int64_t, 3> kernel, dilation, padding, stride;
};

Blocks blocks(const char* where, const Integers& kernel_size, const Integers& dilation,
              const Integers& padding, const Integers& stride) {
  Blocks b{expand(where, "kernel_size", kernel_size, 2), expand(where, "dilation", dilation, 2),
           expand(where, "padding", padding, 2, 0), expand(where, "stride", stride, 2)};
  host_entries(where, sizeof(Tensor), {b.kernel[0], b.kernel[1]});
  return b;
}

Dim block_count(const char* where, Dim extent, const Blocks& b, size_t axis) {
  const Dim room = extent + Dim(2) * Dim(b.padding[axis]);
  const int64_t reach = (Dim(b.dilation[axis]) * Dim(b.kernel[axis] - 1) + Dim(1)).value();
  if (room.known() && room.value() < reach) {
    fail<ValueError>({where, "The padded image must be at least as large as a dilated block",
                      fmt::format("extent {}, block {}", room.to_string(), reach), ""});
  }
  return (room - Dim(reach)) / Dim(b.stride[axis]) + Dim(1);
}

}  // namespace

Tensor unfold(const Tensor& x, const Integers& kernel_size, const Integers& dilation, const Integers& padding,
              const Integers& stride) {
  if (auto node = symbolic<&unfold>(x, kernel_size, dilation, padding, stride)) return *node;
  const Tensor z = as_plain(x);
  if (z.rank() != 4)
    fail<ValueError>({"unfold", "x must be (N, C, H, W)", "shape " + z.shape().to_string(), ""});
  const Blocks b = blocks("unfold", kernel_size, dilation, padding, stride);
  const Dim rows = block_count("unfold", z.dim(2), b, 0), columns = block_count("unfold", z.dim(3), b, 1);
  const Tensor padded =
      prim::pad_axis(prim::pad_axis(z, 2, b.padding[0], b.padding[0]), 3, b.padding[1], b.padding[1]);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < b.kernel[0]; ++i) {
    const Dim top(i * b.dilation[0]);
    const Tensor lines =
        prim::slice_axis(padded, 2, top, top + (rows - Dim(1)) * Dim(b.stride[0]) + Dim(1), b.stride[0]);
    for (int64_t j = 0; j < b.kernel[1]; ++j) {
      const Dim left(j * b.dilation[1]);
      const Tensor part = prim::slice_axis(
          lines, 3, left, left + (columns - Dim(1)) * Dim(b.stride[1]) + Dim(1), b.stride[1]);
      parts.push_back(prim::reshape(part, Shape{z.dim(0), z.dim(1), 1, rows * columns}));
    }
  }
  return prim::reshape(prim::concat(parts, 2),
                       Shape{z.dim(0), z.dim(1) * Dim(b.kernel[0] * b.kernel[1]), rows * columns});
}

Tensor fold(const Tensor& x, const Integers& output_size, const Integers& kernel_size,
            const Integers& dilation, const Integers& padding, const Integers& stride) {
  if (auto node = symbolic<&fold>(x, output_size, kernel_size, dilation, padding, stride)) return *node;
  const Tensor z = as_plain(x);
  const Blocks b = blocks("fold", kernel_size, dilation, padding, stride);
  const auto size = expand("fold", "output_size", output_size, 2);
  const int64_t taps = b.kernel[0] * b.kernel[1];
  const int64_t rows = block_count("fold", Dim(size[0]), b, 0).value();
  const int64_t columns = block_count("fold", Dim(size[1]), b, 1).value();
  if (z.rank() != 3 || (z.dim(1).known() && z.dim(1).value() % taps != 0) ||
      (z.dim(2).known() && z.dim(2).value() != rows * columns)) {
    fail<ValueError>({"fold", fmt::format("x must be (N, channels x {}, {})", taps, rows * columns),
                      "shape " + z.shape().to_string(), ""});
  }
  const Dim channels = z.dim(1) / Dim(taps);
  const Tensor grid = prim::reshape(z, Shape{z.dim(0), channels, Dim(taps), Dim(rows), Dim(columns)});
  Tensor sum;
  for (int64_t t = 0; t < taps; ++t) {
    const int64_t offset[] = {t / b.kernel[1] * b.dilation[0], t % b.kernel[1] * b.dilation[1]};
    const int64_t counts[] = {rows, columns};
    SmallVector<int64_t, 6> low(4, 0), high(4, 0), interior(4, 0);
    for (size_t a = 0; a < 2; ++a) {
      low[a + 2] = offset[a];
      interior[a + 2] = b.stride[a] - 1;
      high[a + 2] = size[a] + 2 * b.padding[a] - offset[a] - ((counts[a] - 1) * b.stride[a] + 1);
    }
    const Tensor spread =
        prim::pad(prim::index_axis(grid, 2, Dim(t)), prim::scalar_like(z, 0), low, high, interior);
    sum = sum.defined() ? prim::add(sum, spread) : spread;
  }
  const Tensor inside = prim::slice_axis(sum, 2, Dim(b.padding[0]), Dim(b.padding[0] + size[0]));
  return prim::slice_axis(inside, 3, Dim(b.padding[1]), Dim(b.padding[1] + size[1]));
}

namespace {

Tensor images(const char* where, const Tensor& x, int block_size, bool first) {
  if (x.rank() != 4) fail<ValueError>({where, "x must have rank 4", "shape " + x.shape().to_string(), ""});
  if (block_size < 1) {
    fail<ValueError>({where, "block_size must be positive", fmt::format("block_size={}", block_size), ""});
  }
  const Tensor z = as_plain(x);
  return first ? to_channels_last(z) : z;
}

void check_divides(const char* where, Dim extent, int64_t by, const Tensor& x) {
  if (extent.known() && extent.value() % by != 0) {
    fail<ValueError>({where, fmt::format("The extent {} must be a multiple of {}", extent.to_string(), by),
                      "shape " + x.shape().to_string(), ""});
  }
}

}  // namespace

Tensor depth_to_space(const Tensor& x, int block_size, const std::string& data_format) {
  if (auto node = symbolic<&depth_to_space>(x, block_size, data_format)) return *node;
  const bool first = channels_first("depth_to_space", data_format);
  const Tensor z = images("depth_to_space", x, block_size, first);
  check_divides("depth_to_space", z.dim(3), int64_t{block_size} * block_size, x);
  const Dim b(block_size), n = z.dim(0), h = z.dim(1), w = z.dim(2), c = z.dim(3) / (b * b);
  const Tensor blocked = prim::transpose(prim::reshape(z, Shape{n, h, w, b, b, c}), {0, 1, 3, 2, 4, 5});
  const Tensor y = prim::reshape(blocked, Shape{n, h * b, w * b, c});
  return first ? to_channels_first(y) : y;
}

Tensor space_to_depth(const Tensor& x, int block_size, const std::string& data_format) {
  if (auto node = symbolic<&space_to_depth>(x, block_size, data_format)) return *node;
  const bool first = channels_first("space_to_depth", data_format);
  const Tensor z = images("space_to_depth", x, block_size, first);
  check_divides("space_to_depth", z.dim(1), block_size, x);
  check_divides("space_to_depth", z.dim(2), block_size, x);
  const Dim b(block_size), n = z.dim(0), h = z.dim(1) / b, w = z.dim(2) / b, c = z.dim(3);
  const Tensor blocked = prim::transpose(prim::reshape(z, Shape{n, h, b, w, b, c}), {0, 1, 3, 2, 4, 5});
  const Tensor y = prim::reshape(blocked, Shape{n, h, w, b * b * c});
  return first ? to_channels_first(y) : y;
}

}  // namespace keras::ops
