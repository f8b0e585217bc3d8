// SPDX-License-Identifier: Apache-2.0
#include "nn/initializers/host_random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "keras/base/philox.h"

namespace keras::internal {

std::vector<double> host_uniform(uint32_t seed, size_t count) {
  std::vector<uint64_t> words(count);
  Philox(seed, 0).fill(0, std::span<uint64_t>(words));
  std::vector<double> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<double>(words[i] >> 11) * 0x1p-53;
  return out;
}

double normal_quantile(double p) {
  // A rational start in the tail variable t (Abramowitz and Stegun 26.2.23), then Newton steps on erfc.
  const double tail = std::min(p, 1 - p);
  const double t = std::sqrt(-2 * std::log(tail));
  double x =
      t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int i = 0; i < 3; ++i) {
    const double error = 0.5 * std::erfc(x / std::numbers::sqrt2) - tail;
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    const double step = error / density;
    x += step / (1 - 0.5 * x * step);
  }
  return p < 0.5 ? -x : x;
}

std::vector<double> host_normal(uint32_t seed, size_t count) {
  auto out = host_uniform(seed, count);
  for (double& v : out) v = normal_quantile(v + 0x1p-54);
  return out;
}

std::vector<double> host_truncated_normal(uint32_t seed, size_t count) {
  const double low = 0.5 * std::erfc(2 / std::numbers::sqrt2);
  auto out = host_uniform(seed, count);
  for (double& v : out) v = normal_quantile(low + v * (1 - 2 * low));
  return out;
}

}  // namespace keras::internal
