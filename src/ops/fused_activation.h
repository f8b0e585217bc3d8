// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/graph/op_attributes.h"
#include "keras/tensor/tensor.h"

namespace keras::internal {

/// The activation that fused ops carry as an attribute, in core ops. `alpha` is the slope of leaky_relu and
/// the scale of elu.
Tensor activate(const Tensor& z, int64_t activation, double alpha);
/// True when the activation's gradient can be told from its result alone.
bool gradient_from_result(int64_t activation);
/// The cotangent of z for y = activate(z). `z` may be undefined where gradient_from_result() holds.
Tensor activation_gradient(const Tensor& z, const Tensor& y, const Tensor& dy, int64_t activation,
                           double alpha);

}  // namespace keras::internal
