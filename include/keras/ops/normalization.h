// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "keras/tensor/tensor.h"

/// Statistics and normalizations of keras.ops.
namespace keras::ops {

/// Mean and biased variance over axes, in x's dtype; half precision is computed in float32.
std::pair<Tensor, Tensor> moments(const Tensor& x, const Axes& axes, bool keepdims = false,
                                  bool synchronized = false);

/// Options of batch_normalization.
struct BatchNormalizationOptions {
  Tensor offset = {};     ///< added at the end; undefined: nothing
  Tensor scale = {};      ///< factor of the normalized x; undefined: 1
  double epsilon = 1e-3;  ///< added to the variance
};
/// (x - mean) / sqrt(variance + epsilon) * scale + offset; the vectors lie along `axis`.
Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, int axis,
                           const BatchNormalizationOptions& options = BatchNormalizationOptions());

/// Options of layer_normalization.
struct LayerNormalizationOptions {
  Tensor gamma = {};              ///< factor, with the shape of the axes; undefined: 1
  Tensor beta = {};               ///< summand, with the shape of the axes; undefined: 0
  Axes axis = {-1};               ///< axes over which statistics are taken
  std::optional<double> epsilon;  ///< added to the variance; none: config::epsilon()
};
/// (x - mean) / sqrt(variance + epsilon) * gamma + beta with statistics over `axis` (Ba et al., 2016).
Tensor layer_normalization(const Tensor& x,
                           const LayerNormalizationOptions& options = LayerNormalizationOptions());

/// Options of rms_normalization.
struct RmsNormalizationOptions {
  Tensor scale = {};              ///< factor, with the shape of the axes; undefined: 1
  Axes axis = {-1};               ///< axes over which the mean square is taken
  std::optional<double> epsilon;  ///< added to the mean square; none: config::epsilon()
};
/// x / sqrt(mean(x^2) + epsilon) * scale (Zhang and Sennrich, 2019).
Tensor rms_normalization(const Tensor& x, const RmsNormalizationOptions& options = RmsNormalizationOptions());

/// x / max(norm(x), epsilon) with the norm of an order over axes; epsilon none: config::epsilon().
Tensor normalize(const Tensor& x, const Axes& axis = {-1}, int order = 2, std::optional<double> epsilon = {});

}  // namespace keras::ops
