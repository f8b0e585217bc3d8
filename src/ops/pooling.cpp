// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/pooling.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "ops/data_format.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

Tensor pool(const char* where, keras_pool kind, const Tensor& inputs, const Integers& pool_size,
            const std::optional<Integers>& given_strides, const std::string& padding,
            const std::optional<std::string>& data_format) {
  const bool first = channels_first(where, data_format);
  Tensor x = kind == KERAS_POOL_AVERAGE ? as_float(inputs) : as_plain(inputs);
  const int spatial = spatial_rank(where, x);
  if (first) x = to_channels_last(x);
  const auto window = expand(where, "pool_size", pool_size, spatial);
  const auto strides = expand(where, "strides", given_strides.value_or(pool_size), spatial);
  auto at = make_attributes<PoolAttributes>();
  at.kind = kind;
  at.window = to_list(std::span<const int64_t>(window));
  at.strides = to_list(std::span<const int64_t>(strides));
  Shape low, high;
  for (int i = 0; i < spatial; ++i) {
    const auto k = static_cast<size_t>(i);
    const EdgePadding edge = edge_padding(where, padding, x.dim(i + 1), window[k], strides[k]);
    low.push_back(edge.low);
    high.push_back(edge.high);
  }
  at.pad_low = to_list(low);
  at.pad_high = to_list(high);
  const Tensor y = prim::pool(x, at);
  return first ? to_channels_first(y) : y;
}

// One axis: windows of two neighbouring extents cover every case; results are picked from both poolings.
Tensor adapt_axis(const char* where, keras_pool kind, const Tensor& x, int axis, int64_t outputs) {
  if (!x.dim(axis).known()) {
    fail<ValueError>(
        {where, "Adaptive pooling needs known spatial extents", "shape " + x.shape().to_string(), ""});
  }
  const int64_t extent = x.dim(axis).value();
  host_entries(where, sizeof(int32_t), {outputs});
  const int64_t small = (extent + outputs - 1) / outputs;
  const auto pooled = [&](int64_t window, int64_t stride) {
    auto at = make_attributes<PoolAttributes>();
    at.kind = kind;
    SmallVector<int64_t, 3> windows(static_cast<size_t>(x.rank() - 2), 1), strides = windows;
    windows[static_cast<size_t>(axis - 1)] = window;
    strides[static_cast<size_t>(axis - 1)] = stride;
    at.window = to_list(std::span<const int64_t>(windows));
    at.strides = to_list(std::span<const int64_t>(strides));
    at.pad_low.count = at.pad_high.count = x.rank() - 2;
    return prim::pool(x, at);
  };
  if (extent % outputs == 0) return pooled(small, small);
  std::vector<int32_t> picks;
  for (int64_t i = 0; i < outputs; ++i) {
    const int64_t start = i * extent / outputs;
    const int64_t end = ((i + 1) * extent + outputs - 1) / outputs;
    picks.push_back(static_cast<int32_t>(start + (end - start > small ? extent - small + 1 : 0)));
  }
  Tensor both = pooled(small, 1);
  if (small < extent) both = prim::concat({both, pooled(small + 1, 1)}, axis);
  return prim::gather(both, Tensor::from(picks), axis);
}

Tensor adaptive(const char* where, keras_pool kind, const Tensor& inputs, const Integers& output_size,
                const std::optional<std::string>& data_format) {
  const bool first = channels_first(where, data_format);
  Tensor x = kind == KERAS_POOL_AVERAGE ? as_float(inputs) : as_plain(inputs);
  const int spatial = spatial_rank(where, x);
  if (first) x = to_channels_last(x);
  const auto sizes = expand(where, "output_size", output_size, spatial);
  for (int i = 0; i < spatial; ++i) x = adapt_axis(where, kind, x, i + 1, sizes[static_cast<size_t>(i)]);
  return first ? to_channels_first(x) : x;
}

}  // namespace

Tensor max_pool(const Tensor& inputs, const Integers& pool_size, const std::optional<Integers>& strides,
                const std::string& padding, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("max_pool", data_format);
  if (auto node = symbolic<&max_pool>(inputs, pool_size, strides, padding, format)) return *node;
  return pool("max_pool", KERAS_POOL_MAX, inputs, pool_size, strides, padding, format);
}

Tensor average_pool(const Tensor& inputs, const Integers& pool_size, const std::optional<Integers>& strides,
                    const std::string& padding, const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("average_pool", data_format);
  if (auto node = symbolic<&average_pool>(inputs, pool_size, strides, padding, format)) return *node;
  return pool("average_pool", KERAS_POOL_AVERAGE, inputs, pool_size, strides, padding, format);
}

Tensor adaptive_max_pool(const Tensor& inputs, const Integers& output_size,
                         const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("adaptive_max_pool", data_format);
  if (auto node = symbolic<&adaptive_max_pool>(inputs, output_size, format)) return *node;
  return adaptive("adaptive_max_pool", KERAS_POOL_MAX, inputs, output_size, format);
}

Tensor adaptive_average_pool(const Tensor& inputs, const Integers& output_size,
                             const std::optional<std::string>& data_format) {
  const std::optional<std::string> format = resolved_format("adaptive_average_pool", data_format);
  if (auto node = symbolic<&adaptive_average_pool>(inputs, output_size, format)) return *node;
  return adaptive("adaptive_average_pool", KERAS_POOL_AVERAGE, inputs, output_size, format);
}

}  // namespace keras::ops
