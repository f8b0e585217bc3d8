// SPDX-License-Identifier: Apache-2.0
#include "ops/resize_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "keras/base/error.h"
#include "keras/graph/op_attributes.h"

namespace keras::internal {

namespace {

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

// Keys' cubic with a = -1/2.
double cubic(double x) {
  x = std::abs(x);
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return (1.5 * x - 2.5) * x * x + 1.0;
}

double lanczos(double x, double radius) {
  x = std::abs(x);
  if (x > radius) return 0;
  if (x <= 1e-3) return 1;  // the quotient below is 0 / 0 there
  const double y = std::numbers::pi * x;
  return radius * std::sin(y) * std::sin(y / radius) / (y * y);
}

struct Kernel {
  double radius;
  double (*value)(double x);
};

Kernel kernel_of(int64_t interpolation) {
  switch (interpolation) {
    case KERAS_BILINEAR:
      return {1, triangle};
    case KERAS_BICUBIC:
      return {2, cubic};
    case KERAS_LANCZOS3:
      return {3, [](double x) { return lanczos(x, 3); }};
    case KERAS_LANCZOS5:
      return {5, [](double x) { return lanczos(x, 5); }};
    default:
      fail<ValueError>({"resize", "The interpolation must be one of keras_interpolation",
                        fmt::format("{}", interpolation), ""});
  }
}

// A row of the matrix.
using Row = double*;

void scale_row(Row row, int64_t inputs, double centre, double stretch, const Kernel& kernel) {
  const double reach = kernel.radius * stretch;
  const auto first = std::max<int64_t>(static_cast<int64_t>(std::ceil(centre - reach - 0.5)), 0);
  const auto last = std::min<int64_t>(static_cast<int64_t>(std::floor(centre + reach - 0.5)), inputs - 1);
  double sum = 0;
  for (int64_t j = first; j <= last; ++j)
    sum += row[j] = kernel.value((static_cast<double>(j) + 0.5 - centre) / stretch);
  if (sum == 0) return;
  for (int64_t j = first; j <= last; ++j) row[j] /= sum;
}

void linear_row(Row row, int64_t inputs, double place) {
  const double floor = std::floor(place);
  const auto lower = static_cast<int64_t>(floor);
  const double along = place - floor;
  row[std::clamp<int64_t>(lower, 0, inputs - 1)] += 1 - along;
  row[std::clamp<int64_t>(lower + 1, 0, inputs - 1)] += along;
}

void cubic_row(Row row, int64_t inputs, double place) {
  const double floor = std::floor(place);
  // TensorFlow reads the kernel from a table of 1024 steps.
  const double along = static_cast<double>(std::lrint((place - floor) * 1024.0)) / 1024.0;
  double sum = 0;
  for (int64_t k = -1; k <= 2; ++k) {
    const int64_t j = static_cast<int64_t>(floor) + k;
    if (j < 0 || j >= inputs) continue;
    sum += row[j] = cubic(along - static_cast<double>(k));
  }
  for (int64_t k = -1; k <= 2; ++k) {
    const int64_t j = static_cast<int64_t>(floor) + k;
    if (j >= 0 && j < inputs && sum != 0) row[j] /= sum;
  }
}

void area_row(Row row, int64_t inputs, double begin, double end) {
  for (auto j = static_cast<int64_t>(std::floor(begin)); static_cast<double>(j) < end && j < inputs; ++j) {
    const double from = std::max(begin, static_cast<double>(j)),
                 to = std::min(end, static_cast<double>(j + 1));
    row[j] = std::max(to - from, 0.0) / (end - begin);
  }
}

}  // namespace

std::vector<int32_t> nearest_indices(int64_t inputs, int64_t outputs) {
  std::vector<int32_t> out;
  const float scale = static_cast<float>(inputs) / static_cast<float>(outputs);
  for (int64_t i = 0; i < outputs; ++i) {
    const auto j = static_cast<int64_t>(std::floor((static_cast<float>(i) + 0.5f) * scale));
    out.push_back(static_cast<int32_t>(std::clamp<int64_t>(j, 0, inputs - 1)));
  }
  return out;
}

std::vector<double> resize_weights(int64_t inputs, int64_t outputs, int64_t interpolation, bool antialias) {
  std::vector<double> weights(static_cast<size_t>(inputs * outputs), 0.0);
  const double scale = static_cast<double>(inputs) / static_cast<double>(outputs);
  if (interpolation == KERAS_NEAREST) {
    const auto indices = nearest_indices(inputs, outputs);
    for (int64_t i = 0; i < outputs; ++i)
      weights[static_cast<size_t>(i * inputs + indices[static_cast<size_t>(i)])] = 1;
    return weights;
  }
  const bool interpolated = !antialias && (interpolation == KERAS_BILINEAR || interpolation == KERAS_BICUBIC);
  for (int64_t i = 0; i < outputs; ++i) {
    const Row row = weights.data() + i * inputs;
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    if (interpolation == KERAS_AREA) {
      area_row(row, inputs, static_cast<double>(i) * scale, static_cast<double>(i + 1) * scale);
    } else if (interpolated && interpolation == KERAS_BILINEAR) {
      linear_row(row, inputs, centre - 0.5);
    } else if (interpolated) {
      cubic_row(row, inputs, centre - 0.5);
    } else {
      scale_row(row, inputs, centre, antialias ? std::max(scale, 1.0) : 1.0, kernel_of(interpolation));
    }
  }
  return weights;
}

}  // namespace keras::internal
