// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/ops/arguments.h"
#include "keras/schema/int_tuple.h"
#include "keras/tensor/tensor.h"

namespace keras::internal {

/// The channels of an image-like input with `rank` spatial axes. Throws ValueError when the rank is another
/// or the channels are unknown.
Dim channels_of(std::string_view where, const Shape& input_shape, int rank, const std::string& data_format);
/// Throws ValueError unless the input has `rank` spatial axes besides batch and channels.
void check_spatial_rank(std::string_view where, const Shape& input_shape, int rank);
/// Where the spatial axes begin: 1, or 2 behind channels_first's channels.
inline int first_spatial_axis(const std::string& data_format) {
  return data_format == "channels_first" ? 2 : 1;
}
/// The same numbers as an argument of keras.ops.
ops::Integers spatial_size(const IntTuple& values);
/// A vector over channels in a shape that broadcasts against the input.
Tensor channel_shaped(const Tensor& vector, int rank, const std::string& data_format);

}  // namespace keras::internal
