// SPDX-License-Identifier: Apache-2.0
#include "keras/base/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace keras {

namespace {

using Taps = std::vector<std::pair<int64_t, double>>;  // original index, weight; ascending

double keys_cubic(double x) {
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return (1.5 * x - 2.5) * x * x + 1;
}

double lanczos(double x, double radius) {
  constexpr double kPi = 3.14159265358979323846;
  if (x >= radius) return 0;
  if (x <= 1e-3) return 1;
  return radius * std::sin(kPi * x) * std::sin(kPi * x / radius) / (kPi * kPi * x * x);
}

struct Kernel {
  double radius;
  double (*value)(double x);
};

Kernel kernel_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bicubic:
      return {2, keys_cubic};
    case Interpolation::lanczos3:
      return {3, [](double x) { return lanczos(x, 3); }};
    case Interpolation::lanczos5:
      return {5, [](double x) { return lanczos(x, 5); }};
    default:
      return {1, [](double x) { return std::max(0.0, 1 - x); }};
  }
}

void normalize(Taps& taps) {
  double total = 0;
  for (const auto& tap : taps) total += tap.second;
  if (std::abs(total) < 1000.0 * std::numeric_limits<float>::min()) return;
  for (auto& tap : taps) tap.second /= total;
}

// A kernel around the sampled place, as wide as the shrinking asks for.
Taps filtered(const Kernel& kernel, int64_t in, int64_t out, bool antialias, int64_t i) {
  const float inverse = 1.0f / (static_cast<float>(out) / static_cast<float>(in));
  const float width = antialias ? std::max(inverse, 1.0f) : 1.0f;
  const float place = (static_cast<float>(i) + 0.5f) * inverse;
  Taps taps;
  if (place < 0 || place > static_cast<float>(in)) return taps;
  const float reach = static_cast<float>(kernel.radius) * width;
  const int64_t begin = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(place - reach - 0.5f)), 0, in - 1);
  const int64_t end = std::clamp<int64_t>(static_cast<int64_t>(std::floor(place + reach - 0.5f)), 0, in - 1);
  for (int64_t j = begin; j <= end; ++j) {
    const float distance = static_cast<float>(j) + 0.5f - place;
    taps.emplace_back(j, kernel.value(std::abs(distance / width)));
  }
  normalize(taps);
  return taps;
}

Taps between_two(int64_t in, float scale, int64_t i) {
  const float place = (static_cast<float>(i) + 0.5f) * scale - 0.5f;
  const float below = std::floor(place);
  const int64_t lower = std::max<int64_t>(static_cast<int64_t>(below), 0);
  const int64_t upper = std::min<int64_t>(static_cast<int64_t>(std::ceil(place)), in - 1);
  const double share = static_cast<double>(place - below);
  if (upper <= lower) return {{std::min(lower, in - 1), 1.0}};
  return {{lower, 1 - share}, {upper, share}};
}

Taps between_four(int64_t in, float scale, int64_t i) {
  const float place = (static_cast<float>(i) + 0.5f) * scale - 0.5f;
  const int64_t below = static_cast<int64_t>(std::floor(place));
  const double share = std::nearbyint((place - static_cast<float>(below)) * 1024.0f) / 1024.0;
  Taps taps;
  for (int64_t k = -1; k <= 2; ++k) {
    if (below + k < 0 || below + k >= in) continue;  // what lies outside counts for nothing
    taps.emplace_back(below + k, keys_cubic(std::abs(static_cast<double>(k) - share)));
  }
  normalize(taps);
  return taps;
}

Taps overlap(int64_t in, float scale, int64_t i) {
  const float begin = static_cast<float>(i) * scale, end = static_cast<float>(i + 1) * scale;
  Taps taps;
  for (int64_t j = static_cast<int64_t>(std::floor(begin)); j < static_cast<int64_t>(std::ceil(end)); ++j) {
    const double from = std::max<double>(begin, static_cast<double>(j));
    const double to = std::min<double>(end, static_cast<double>(j + 1));
    const int64_t inside = std::min(j, in - 1);
    if (!taps.empty() && taps.back().first == inside) {
      taps.back().second += (to - from) / scale;
    } else {
      taps.emplace_back(inside, (to - from) / scale);
    }
  }
  return taps;
}

Taps taps_of(Interpolation interpolation, int64_t in, int64_t out, bool antialias, int64_t i) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  switch (interpolation) {
    case Interpolation::nearest: {
      const auto j = static_cast<int64_t>(std::floor((static_cast<float>(i) + 0.5f) * scale));
      return {{std::clamp<int64_t>(j, 0, in - 1), 1.0}};
    }
    case Interpolation::area:
      return overlap(in, scale, i);
    case Interpolation::bilinear:
      return antialias ? filtered(kernel_of(interpolation), in, out, true, i) : between_two(in, scale, i);
    case Interpolation::bicubic:
      return antialias ? filtered(kernel_of(interpolation), in, out, true, i) : between_four(in, scale, i);
    default:
      return filtered(kernel_of(interpolation), in, out, antialias, i);
  }
}

}  // namespace

Resampling resampling(Interpolation interpolation, int64_t in, int64_t out, bool antialias) {
  std::vector<Taps> all;
  Resampling result;
  result.taps = 1;
  for (int64_t i = 0; i < out && in > 0; ++i) {
    all.push_back(taps_of(interpolation, in, out, antialias, i));
    result.taps = std::max(result.taps, static_cast<int64_t>(all.back().size()));
  }
  for (const Taps& taps : all) {
    result.first.push_back(taps.empty() ? 0 : taps.front().first);
    for (int64_t k = 0; k < result.taps; ++k) {
      result.weights.push_back(k < static_cast<int64_t>(taps.size()) ? taps[static_cast<size_t>(k)].second
                                                                     : 0.0);
    }
  }
  return result;
}

}  // namespace keras
