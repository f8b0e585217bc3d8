// SPDX-License-Identifier: Apache-2.0
// Images put together again from their patches.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/image.h"
#include "ops/data_format.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops::image {

using namespace internal;

Tensor reconstruct_patches(const Tensor& patches, const Integers& size, const Integers& output_size,
                           const std::optional<Integers>& strides, const std::string& padding,
                           const std::optional<std::string>& data_format) {
  const char* where = "reconstruct_patches";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&reconstruct_patches>(patches, size, output_size, strides, padding, format)) {
    return *node;
  }
  const int spatial = size.size() == 3 ? 3 : 2;
  const auto extent = expand(where, "size", size, spatial);
  const auto wanted = expand(where, "output_size", output_size, spatial);
  if (strides && expand(where, "strides", *strides, spatial) != extent) {
    fail<UnsupportedError>({where, "Only patches that lie side by side are put together",
                            "strides that differ from size", "leave strides out"});
  }
  if (padding != "valid" && padding != "same") {
    fail_unknown_name(where, "padding", padding, {"valid", "same"});
  }
  if (patches.rank() != spatial + 1 && patches.rank() != spatial + 2) {
    fail<ValueError>(
        {where,
         fmt::format("patches must have rank {} (one image) or {} (a batch)", spatial + 1, spatial + 2),
         "shape " + patches.shape().to_string(), ""});
  }
  const bool single = patches.rank() == spatial + 1;
  Tensor x = as_plain(patches);
  if (single) x = prim::expand_dims(x, 0);
  if (channels_first(where, format)) x = to_channels_last(x);
  int64_t volume = 1;
  for (const int64_t e : extent) volume *= e;
  if (x.shape().back().known() && x.shape().back().value() % volume != 0) {
    fail<ValueError>({where, fmt::format("The channels of the patches must be a multiple of {}", volume),
                      "shape " + patches.shape().to_string(), ""});
  }
  const Dim channels = x.shape().back() / Dim(volume);
  // (N, grid..., patch..., C), then each grid axis beside its patch axis, then the two as one.
  Shape apart{x.dim(0)}, joined{x.dim(0)};
  std::vector<int> order{0};
  for (int a = 0; a < spatial; ++a) apart.push_back(x.dim(a + 1));
  for (int a = 0; a < spatial; ++a) {
    const int64_t e = extent[static_cast<size_t>(a)];
    apart.push_back(Dim(e));
    joined.push_back(x.dim(a + 1) * Dim(e));
    order.push_back(a + 1);
    order.push_back(a + 1 + spatial);
  }
  apart.push_back(channels);
  joined.push_back(channels);
  order.push_back(2 * spatial + 1);
  Tensor y = prim::reshape(prim::transpose(prim::reshape(x, apart), order), joined);
  for (int a = 0; a < spatial; ++a) {
    const auto i = static_cast<size_t>(a);
    const Dim covered = y.dim(a + 1);
    if (!covered.known()) {
      fail<ValueError>({where, "The grid of the patches must be known", patches.shape().to_string(), ""});
    }
    const int64_t surplus = covered.value() - wanted[i];
    if (surplus < 0 || surplus >= extent[i] || (padding == "valid" && surplus != 0)) {
      fail<ValueError>(
          {where,
           padding == "valid" ? "output_size must be the size times the grid"
                              : "output_size must be less than one patch below the size times the grid",
           fmt::format("output_size {}, covered {} on axis {}", wanted[i], covered.value(), a), ""});
    }
    y = prim::slice_axis(y, a + 1, Dim(surplus / 2), Dim(surplus / 2 + wanted[i]));
  }
  if (channels_first(where, format)) y = to_channels_first(y);
  return single ? prim::squeeze(y, Axes{0}) : y;
}

}  // namespace keras::ops::image
