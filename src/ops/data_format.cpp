// SPDX-License-Identifier: Apache-2.0
#include "ops/data_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "keras/base/error.h"
#include "keras/tensor/config.h"
#include "ops/primitives.h"

namespace keras::internal {

SmallVector<int64_t, 3> expand(std::string_view where, std::string_view what, const ops::Integers& given,
                               int axes, int64_t least) {
  SmallVector<int64_t, 3> out(given.values().begin(), given.values().end());
  const auto text = [&] { return fmt::format("{}=({})", what, fmt::join(given.values(), ", ")); };
  if (out.size() == 1) out.resize(static_cast<size_t>(axes), out[0]);
  if (out.size() != static_cast<size_t>(axes)) {
    fail<ValueError>({where, fmt::format("{} must be one number or {} of them", what, axes), text(), ""});
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  for (const int64_t v : out) {
    if (v >= least && v <= kMost) continue;
    fail<ValueError>(
        {where, fmt::format("{} must be at least {} and at most {}", what, least, kMost), text(), ""});
  }
  return out;
}

std::string resolved_format(std::string_view where, const std::optional<std::string>& data_format) {
  std::string format = data_format ? *data_format : config::image_data_format();
  if (format != "channels_first" && format != "channels_last") {
    fail_unknown_name(where, "data_format", format, {"channels_last", "channels_first"});
  }
  return format;
}

bool channels_first(std::string_view where, const std::optional<std::string>& data_format) {
  return resolved_format(where, data_format) == "channels_first";
}

Tensor to_channels_last(const Tensor& x) {
  Axes permutation{0};
  for (int a = 2; a < x.rank(); ++a) permutation.push_back(a);
  permutation.push_back(1);
  return prim::transpose(x, permutation);
}

Tensor to_channels_first(const Tensor& x) {
  Axes permutation{0, x.rank() - 1};
  for (int a = 1; a + 1 < x.rank(); ++a) permutation.push_back(a);
  return prim::transpose(x, permutation);
}

int spatial_rank(std::string_view where, const Tensor& x) {
  if (x.rank() < 3 || x.rank() > 5) {
    fail<ValueError>({where, "The input must have rank 3, 4 or 5: batch, one to three spatial axes, channels",
                      "shape " + x.shape().to_string(), ""});
  }
  return x.rank() - 2;
}

EdgePadding edge_padding(std::string_view where, const std::string& padding, Dim input, int64_t extent,
                         int64_t stride) {
  std::string name = padding;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name == "valid") return {};
  if (name == "causal") return {Dim(extent - 1), Dim(0)};
  if (name != "same") fail_unknown_name(where, "padding", padding, {"valid", "same", "causal"});
  if (input.known()) {
    const int64_t steps = (input.value() + stride - 1) / stride;
    const int64_t total = std::max<int64_t>((steps - 1) * stride + extent - input.value(), 0);
    return {Dim(total / 2), Dim(total - total / 2)};
  }
  if (stride == 1) return {Dim((extent - 1) / 2), Dim(extent - 1 - (extent - 1) / 2)};
  if (extent == 1) return {};
  if (extent < stride) {
    fail<UnsupportedError>(
        {where, "padding=\"same\" with strides larger than the window needs known spatial extents",
         fmt::format("extent {}, window {}, stride {}", input.to_string(), extent, stride),
         "give the input's spatial shape"});
  }
  const Dim steps = (input + Dim(stride - 1)) / Dim(stride);
  const Dim total = steps * Dim(stride) + Dim(extent - stride) - input;
  const Dim low = total / Dim(2);
  return {low, total - low};
}

}  // namespace keras::internal
