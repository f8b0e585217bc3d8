// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

namespace keras::internal {

/// The format given, or config::image_data_format(). Throws ValueError for an unknown one.
std::string resolved_format(std::string_view where, const std::optional<std::string>& data_format);
/// True for "channels_first".
bool channels_first(std::string_view where, const std::optional<std::string>& data_format);
/// One number per spatial axis. Throws ValueError naming `where` and `what` unless there is one number, or
/// `axes` of them, each at least `least` and within 32 bits, so that
/// products of two of them fit in 64.
SmallVector<int64_t, 3> expand(std::string_view where, std::string_view what, const ops::Integers& given,
                               int axes, int64_t least = 1);
/// (N, C, spatial...) as (N, spatial..., C).
Tensor to_channels_last(const Tensor& x);
/// (N, spatial..., C) as (N, C, spatial...).
Tensor to_channels_first(const Tensor& x);
/// Throws ValueError unless x has one to three axes besides batch and channels; gives their number.
int spatial_rank(std::string_view where, const Tensor& x);

/// Padding before and after one spatial axis.
struct EdgePadding {
  Dim low = 0;
  Dim high = 0;
};
/// The padding of "valid", "same" (the odd element at the end) or "causal" for a window of `extent` elements,
/// dilation included. Throws ValueError for other names, and where a symbolic extent leaves it open.
EdgePadding edge_padding(std::string_view where, const std::string& padding, Dim input, int64_t extent,
                         int64_t stride);

}  // namespace keras::internal
