// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "kernel.h"

namespace keras::native {

/// The descriptor of a residual.
inline keras_desc describe_residual(int32_t dtype, std::initializer_list<int64_t> shape) {
  keras_desc desc{};
  desc.dtype = dtype;
  desc.rank = static_cast<int32_t>(shape.size());
  int i = 0;
  for (const int64_t size : shape) desc.shape[i++] = size;
  return desc;
}

/// Memory of a residual slot: what a graph planned for it, fresh memory of the kernel's descriptor otherwise.
template <class T>
T* residual(const keras_kernel& kernel, int index, keras_tensor& slot) {
  kernel.residual_desc(index, slot.desc);
  return static_cast<T*>(output(slot));
}

}  // namespace keras::native
