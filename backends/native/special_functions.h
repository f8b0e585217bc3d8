// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keras::native {

/// Inverse of erf; +-infinity at +-1, NaN outside.
double erf_inv(double y);
/// Logarithm of |gamma(x)|, without the C library's global sign.
double log_gamma(double x);
/// Derivative of log_gamma; NaN at its poles 0, -1, -2, ...
double digamma(double x);
/// Regularised lower incomplete gamma function P(a, x) of a > 0, x >= 0; NaN elsewhere.
double igamma(double a, double x);

}  // namespace keras::native
