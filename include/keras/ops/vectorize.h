// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras::ops {

/// A function of several tensors.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

/// A function of scalars as a function of tensors, which are broadcast against each other: `pyfunc` sees one
/// element of each, and its results (of any one shape) come behind the broadcast axes (keras.ops.vectorize).
TensorFunction vectorize(TensorFunction pyfunc);

}  // namespace keras::ops
