// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// The number of elements over some axes, a scalar of `dtype`; read at run time where a dimension is
/// symbolic.
Tensor count_over(const Tensor& x, std::span<const int> axes, DType dtype);
/// The mean of a float tensor over some axes.
Tensor mean_over(const Tensor& x, std::span<const int> axes, bool keepdims);

}  // namespace keras::internal
