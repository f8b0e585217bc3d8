// SPDX-License-Identifier: Apache-2.0
#include "nn/spatial.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"

namespace keras::internal {

void check_spatial_rank(std::string_view where, const Shape& shape, int rank) {
  if (shape.rank() == rank + 2) return;
  fail<ValueError>({where,
                    fmt::format("The input must have {} axes: batch, {} spatial, channels", rank + 2, rank),
                    fmt::format("shape {}", shape.to_string()), ""});
}

Dim channels_of(std::string_view where, const Shape& shape, int rank, const std::string& data_format) {
  check_spatial_rank(where, shape, rank);
  const Dim channels = data_format == "channels_first" ? shape[1] : shape.back();
  if (!channels.known()) {
    fail<ValueError>(
        {where, "The channels of the input must be known", fmt::format("shape {}", shape.to_string()), ""});
  }
  return channels;
}

ops::Integers spatial_size(const IntTuple& values) {
  return ops::Integers(std::vector<int64_t>(values.begin(), values.end()));
}

Tensor channel_shaped(const Tensor& vector, int rank, const std::string& data_format) {
  if (data_format != "channels_first") return vector;
  Shape shape{1, vector.dim(0)};
  for (int a = 0; a < rank; ++a) shape.push_back(1);
  return ops::reshape(vector, shape);
}

}  // namespace keras::internal
