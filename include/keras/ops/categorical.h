// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

namespace keras::utils {

/// Integer classes as rows with a 1 at the class (keras.utils.to_categorical): (...) or (..., 1) to
/// (..., num_classes), float32. num_classes none: the largest class + 1. Throws ValueError for a class
/// outside of [0, num_classes).
Tensor to_categorical(const Tensor& x, std::optional<int64_t> num_classes = {});
/// x divided by its norm of an order along an axis; where that is 0, x as it is (keras.utils.normalize).
Tensor normalize(const Tensor& x, int axis = -1, int order = 2);

}  // namespace keras::utils
