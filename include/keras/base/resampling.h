// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace keras {

/// How an image is resized; the numbers are those of keras_interpolation.
enum class Interpolation : int64_t { nearest, bilinear, bicubic, lanczos3, lanczos5, area };

/// What one axis of a resized image takes from the original: result index i is the sum over k < taps of
/// weights[i * taps + k] times original index first[i] + k. Indices whose weight is zero may lie past the
/// end.
struct Resampling {
  int64_t taps = 0;             ///< originals that one result reads
  std::vector<int64_t> first;   ///< the first of them, for each result
  std::vector<double> weights;  ///< taps of them for each result
};

/// The weights with which tf.image.resize (version 2, half-pixel centers) maps `in` onto `out` elements, and
/// so Keras on TensorFlow: bilinear and bicubic (Keys' kernel with a = -0.5, tabulated in steps of 1/1024)
/// interpolate between neighbours; the Lanczos kernels, and with `antialias` the other two, are widened by
/// the shrinking factor; nearest and area know no antialias. Positions are computed in float32, as there.
Resampling resampling(Interpolation interpolation, int64_t in, int64_t out, bool antialias);

}  // namespace keras
