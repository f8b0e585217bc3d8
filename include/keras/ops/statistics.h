// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Quantiles, counts, differences and correlations (keras.ops).
namespace keras::ops {

/// The q-quantiles (q a scalar or 1-D, in [0, 1]) along axes. Between two elements `method` decides:
/// "linear", "lower", "higher", "midpoint" or "nearest". A 1-D q gives a leading axis. NaN gives NaN.
Tensor quantile(const Tensor& x, const Tensor& q, const Axis& axis = {}, const std::string& method = "linear",
                bool keepdims = false);
/// quantile of q / 100.
Tensor percentile(const Tensor& x, const Tensor& q, const Axis& axis = {},
                  const std::string& method = "linear", bool keepdims = false);
/// The middle element, or the mean of the two in the middle.
Tensor median(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// quantile that passes over NaN.
Tensor nanquantile(const Tensor& x, const Tensor& q, const Axis& axis = {},
                   const std::string& method = "linear", bool keepdims = false);
/// percentile that passes over NaN.
Tensor nanpercentile(const Tensor& x, const Tensor& q, const Axis& axis = {},
                     const std::string& method = "linear", bool keepdims = false);
/// median that passes over NaN.
Tensor nanmedian(const Tensor& x, const Axis& axis = {}, bool keepdims = false);

/// Differences of neighbours along an axis, n times.
Tensor diff(const Tensor& a, int64_t n = 1, int64_t axis = -1);
/// Integral along an axis by the trapezoidal rule, at sample points x or with spacing dx.
Tensor trapezoid(const Tensor& y, const Tensor& x = {}, double dx = 1.0, int64_t axis = -1);
/// Correlation coefficients of the rows of x.
Tensor corrcoef(const Tensor& x);
/// How often each of 0, 1, 2, ... occurs in non-negative integers x (n) or (batch, n), or the sum of its
/// weights. The length is the largest value plus 1, at least `minlength`, so x must be readable or the length
/// is unknown.
Tensor bincount(const Tensor& x, const Tensor& weights = {}, int64_t minlength = 0);
/// How many elements fall into each of `bins` equal parts of `range` (none: from smallest to largest), and
/// the edges.
std::pair<Tensor, Tensor> histogram(const Tensor& x, int64_t bins = 10,
                                    const std::optional<std::pair<double, double>>& range = {});

}  // namespace keras::ops
