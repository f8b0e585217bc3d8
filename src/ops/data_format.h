// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// True for "channels_first"; an empty format is config::image_data_format(). Throws ValueError for other
/// names.
bool channels_first(std::string_view where, const std::string& data_format);
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
