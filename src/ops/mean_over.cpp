// SPDX-License-Identifier: Apache-2.0
#include "ops/mean_over.h"

#include "ops/primitives.h"

namespace keras::internal {

Tensor count_over(const Tensor& x, std::span<const int> axes, DType dtype) {
  double known = 1;
  Tensor symbolic;
  for (const int a : axes) {
    const Dim d = x.dim(a);
    if (d.known()) {
      known *= static_cast<double>(d.value());
    } else {
      const Tensor size = prim::cast(prim::dim_size(x, a), dtype);
      symbolic = symbolic.defined() ? prim::mul(symbolic, size) : size;
    }
  }
  const Tensor count = prim::scalar(known, dtype);
  return symbolic.defined() ? prim::mul(symbolic, count) : count;
}

Tensor mean_over(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return prim::div(prim::reduce_sum(x, axes, keepdims), count_over(x, axes, x.dtype()));
}

}  // namespace keras::internal
