// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Statistics and normalizations of keras.ops. An `epsilon` of none is config::epsilon(); an undefined scale
/// is 1, an undefined summand 0.
namespace keras::ops {

/// Mean and biased variance over axes, in x's dtype; half precision is computed in float32.
std::pair<Tensor, Tensor> moments(const Tensor& x, const Axis& axes, bool keepdims = false,
                                  bool synchronized = false);
/// (x - mean) / sqrt(variance + epsilon) * scale + offset; the vectors lie along `axis`.
Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, int axis,
                           const Tensor& offset = {}, const Tensor& scale = {}, double epsilon = 1e-3);
/// (x - mean) / sqrt(variance + epsilon) * gamma + beta with statistics over `axis` (Ba et al., 2016); gamma
/// and beta have the shape of the axes.
Tensor layer_normalization(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {},
                           const Axis& axis = -1, std::optional<double> epsilon = {});
/// x / sqrt(mean(x^2) + epsilon) * scale (Zhang and Sennrich, 2019); scale has the shape of the axes.
Tensor rms_normalization(const Tensor& x, const Tensor& scale = {}, const Axis& axis = -1,
                         std::optional<double> epsilon = {});
/// x / max(norm(x), epsilon) with the norm of an order over axes.
Tensor normalize(const Tensor& x, const Axis& axis = -1, int order = 2, std::optional<double> epsilon = {});

}  // namespace keras::ops
