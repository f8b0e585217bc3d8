// SPDX-License-Identifier: Apache-2.0
#include "special_functions.h"

#include <math.h>

#include <cmath>
#include <limits>

namespace keras::native {
namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kPi = 3.14159265358979323846;
}  // namespace

double erf_inv(double y) {
  if (!(std::fabs(y) <= 1)) return kNaN;
  if (std::fabs(y) == 1) return std::copysign(kInfinity, y);
  // Winitzki's closed form is right to 2e-3; Halley's steps on erfc, which keeps digits near 1, do the rest.
  const double size = std::fabs(y);
  const double log_term = std::log1p(-size * size);
  const double b = 2 / (kPi * 0.147) + log_term / 2;
  double x = std::sqrt(std::sqrt(b * b - log_term / 0.147) - b);
  for (int step = 0; step < 4; ++step) {
    const double error = size > 0.5 ? (1 - size) - std::erfc(x) : std::erf(x) - size;
    const double slope = 2 / std::sqrt(kPi) * std::exp(-x * x);
    if (slope == 0) break;
    const double newton = error / slope;
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (std::isnan(x) || x == -kInfinity) return kNaN;
  if (x <= 0 && x == std::floor(x)) return kNaN;
  double result = 0;
  if (x < 0) {
    result = -kPi / std::tan(kPi * x);
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  if (x == kInfinity) return x;
  // Bernoulli's series.
  const double z = 1 / (x * x);
  const double tail =
      z *
      (1.0 / 12 -
       z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
  return result + std::log(x) - 0.5 / x - tail;
}

double igamma(double a, double x) {
  if (!(a > 0) || !(x >= 0)) return kNaN;
  if (x == 0) return 0;
  if (std::isinf(a)) return std::isinf(x) ? kNaN : 0;
  if (std::isinf(x)) return 1;
  constexpr double precision = 1e-16;
  const double factor = std::exp(a * std::log(x) - x - log_gamma(a));
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    for (double n = a + 1; term > sum * precision; n += 1) {
      term *= x / n;
      sum += term;
    }
    return std::fmin(1.0, sum * factor);
  }
  // Lentz' evaluation of the continued fraction of Q = 1 - P.
  constexpr double tiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / tiny;
  double d = 1 / b;
  double q = d;
  for (int i = 1; i < 100000; ++i) {
    const double numerator = -i * (i - a);
    b += 2;
    d = numerator * d + b;
    if (std::fabs(d) < tiny) d = tiny;
    c = b + numerator / c;
    if (std::fabs(c) < tiny) c = tiny;
    d = 1 / d;
    q *= d * c;
    if (std::fabs(d * c - 1) < precision) break;
  }
  return 1 - factor * q;
}

}  // namespace keras::native
