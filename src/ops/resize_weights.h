// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace keras::internal {

/// The matrix (outputs, inputs), row-major, that resizes one axis: TensorFlow's image.resize with half-pixel
/// centres. `interpolation` is a keras_interpolation.
std::vector<double> resize_weights(int64_t inputs, int64_t outputs, int64_t interpolation, bool antialias);
/// The input element that each output takes under KERAS_NEAREST.
std::vector<int32_t> nearest_indices(int64_t inputs, int64_t outputs);

}  // namespace keras::internal
