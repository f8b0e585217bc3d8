// SPDX-License-Identifier: Apache-2.0
// Random tensors computed on the host, bit-identical whatever the backend: what initializers use. Each is the
// function of keras.random of the same name for the random state [seed, draw].
#pragma once

#include <cstdint>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// Uniform floats in [minval, maxval).
Tensor host_uniform(const Shape& shape, double minval, double maxval, DType dtype, uint32_t seed,
                    uint32_t draw);
/// Normal floats.
Tensor host_normal(const Shape& shape, double mean, double stddev, DType dtype, uint32_t seed, uint32_t draw);
/// Normal floats within two standard deviations.
Tensor host_truncated_normal(const Shape& shape, double mean, double stddev, DType dtype, uint32_t seed,
                             uint32_t draw);

}  // namespace keras::internal
