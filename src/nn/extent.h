// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/tensor/tensor.h"
#include "ops/primitives.h"

namespace keras::internal {

/// The extent of an axis as a scalar: a number where it is known, read from the data otherwise.
inline Tensor extent(const Tensor& t, int axis) {
  const Dim d = t.dim(axis);
  return d.known() ? Tensor(d.value()) : prim::dim_size(t, axis < 0 ? axis + t.rank() : axis);
}

}  // namespace keras::internal
