// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "keras/graph/op.h"

namespace keras::internal {

/// Fixed float64 values without ties or zeros, in (-1, 1), for the sample calls of op rules.
inline Tensor sample_values(const Shape& shape, double phase = 0.3) {
  std::vector<double> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.97 * std::sin(1.7 * static_cast<double>(i + 1) + phase * 2.9 +
                                0.11 * phase * static_cast<double>(i));
  }
  return Tensor::from(values, shape);
}

/// The same, in (0.5, 1.5): for variances and scales.
inline Tensor sample_positive(const Shape& shape, double phase = 0.3) {
  std::vector<double> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1.0 + 0.49 * std::sin(2.3 * static_cast<double>(i + 1) + phase);
  }
  return Tensor::from(values, shape);
}

/// Fixed int32 values in [0, bound).
inline Tensor sample_indices(const Shape& shape, int bound) {
  std::vector<int32_t> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int32_t>((i * 7 + 3) % static_cast<size_t>(bound));
  return Tensor::from(values, shape);
}

/// A random state [seed, draw number].
inline Tensor sample_random_state() { return Tensor::from(std::vector<uint32_t>{1337, 5}, Shape{2}); }

/// One sample call.
template <class A>
OpSample sample(std::string name, std::vector<Tensor> operands, const A& attributes,
                bool differentiable = true) {
  std::vector<uint8_t> bytes(sizeof(A));
  std::memcpy(bytes.data(), &attributes, sizeof(A));
  return OpSample{std::move(name), std::move(operands), std::move(bytes), differentiable};
}

}  // namespace keras::internal
