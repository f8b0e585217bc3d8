// SPDX-License-Identifier: Apache-2.0
#include "ops/resize_weights.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/base/resampling.h"
#include "keras/graph/op_attributes.h"

namespace keras::internal {

std::vector<int32_t> nearest_indices(int64_t inputs, int64_t outputs) {
  const Resampling axis = resampling(Interpolation::nearest, inputs, outputs, false);
  return {axis.first.begin(), axis.first.end()};
}

std::vector<double> resize_weights(int64_t inputs, int64_t outputs, int64_t interpolation, bool antialias) {
  if (interpolation < KERAS_NEAREST || interpolation > KERAS_AREA) {
    fail<ValueError>({"resize", "The interpolation must be one of keras_interpolation",
                      fmt::format("{}", interpolation), ""});
  }
  const Resampling axis = resampling(static_cast<Interpolation>(interpolation), inputs, outputs, antialias);
  std::vector<double> weights(host_entries("resize", sizeof(double), {inputs, outputs}), 0.0);
  for (int64_t i = 0; i < outputs; ++i) {
    for (int64_t k = 0; k < axis.taps; ++k) {
      const double weight = axis.weights[static_cast<size_t>(i * axis.taps + k)];
      if (weight != 0)
        weights[static_cast<size_t>(i * inputs + axis.first[static_cast<size_t>(i)] + k)] = weight;
    }
  }
  return weights;
}

}  // namespace keras::internal
