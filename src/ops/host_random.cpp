// SPDX-License-Identifier: Apache-2.0
#include "ops/host_random.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "keras/base/host_memory.h"
#include "keras/base/philox.h"
#include "keras/tensor/host_buffer.h"

namespace keras::internal {

namespace {

// The inverse of the error function: Giles' approximation ("Approximating the erfinv function", 2010) and two
// Newton steps, which bring it to double precision.
double inverse_erf(double x) {
  double w = -std::log((1.0 - x) * (1.0 + x));
  double p;
  if (w < 5.0) {
    w -= 2.5;
    p = 2.81022636e-08;
    for (const double c : {3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
                           -0.00417768164, 0.246640727, 1.50140941}) {
      p = c + p * w;
    }
  } else {
    w = std::sqrt(w) - 3.0;
    p = -0.000200214257;
    for (const double c : {0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
                           0.00943887047, 1.00167406, 2.83297682}) {
      p = c + p * w;
    }
  }
  double y = p * x;
  for (int i = 0; i < 2; ++i) y -= (std::erf(y) - x) * std::sqrt(std::numbers::pi) / 2.0 * std::exp(y * y);
  return y;
}

// The centre of the 32-bit word's interval in (0, 1).
double centred(uint32_t word) { return std::ldexp(static_cast<double>(word) + 0.5, -32); }

template <class Word, class F>
Tensor fill(const Shape& shape, DType dtype, uint32_t seed, uint32_t draw, F&& value) {
  std::vector<Word> words(host_entries("initializer", sizeof(Word) + 2 * sizeof(double), {shape.elements()}));
  Philox(seed, draw).fill(0, std::span<Word>(words));
  std::vector<double> values(words.size());
  for (size_t i = 0; i < words.size(); ++i) values[i] = value(words[i]);
  return host_cast(Tensor::from(values, shape), dtype);
}

}  // namespace

Tensor host_uniform(const Shape& shape, double minval, double maxval, DType dtype, uint32_t seed,
                    uint32_t draw) {
  const int digits = dtype == DType::float16 ? 10 : dtype == DType::bfloat16 ? 7 : 23;
  if (dtype == DType::float64) {
    return fill<uint64_t>(shape, dtype, seed, draw, [&](uint64_t w) {
      const uint64_t mantissa = ((w & 0xfffffu) << 32) | (w >> 32);
      return minval + (maxval - minval) * std::ldexp(static_cast<double>(mantissa), -52);
    });
  }
  const uint32_t mask = (1u << digits) - 1u;
  return fill<uint32_t>(shape, dtype, seed, draw, [&](uint32_t w) {
    return minval + (maxval - minval) * std::ldexp(static_cast<double>(w & mask), -digits);
  });
}

Tensor host_normal(const Shape& shape, double mean, double stddev, DType dtype, uint32_t seed,
                   uint32_t draw) {
  return fill<uint64_t>(shape, dtype, seed, draw, [&](uint64_t w) {
    const double radius = std::sqrt(-2.0 * std::log(centred(static_cast<uint32_t>(w))));
    const double angle = 2.0 * std::numbers::pi * centred(static_cast<uint32_t>(w >> 32));
    return mean + stddev * radius * std::cos(angle);
  });
}

Tensor host_truncated_normal(const Shape& shape, double mean, double stddev, DType dtype, uint32_t seed,
                             uint32_t draw) {
  const double within = std::erf(std::numbers::sqrt2);
  return fill<uint32_t>(shape, dtype, seed, draw, [&](uint32_t w) {
    return mean + stddev * std::numbers::sqrt2 * inverse_erf(within * (2.0 * centred(w) - 1.0));
  });
}

}  // namespace keras::internal
