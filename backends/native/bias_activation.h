// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::native {

/// In place over rows (rows, columns): activation(x + bias) with a keras_activation; bias may be null.
void bias_activation(float* x, int64_t rows, int64_t columns, const float* bias, int64_t activation,
                     double alpha);
void bias_activation(double* x, int64_t rows, int64_t columns, const double* bias, int64_t activation,
                     double alpha);

}  // namespace keras::native
