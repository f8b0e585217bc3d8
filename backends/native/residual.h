// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "kernel.h"

namespace keras::native {

/// Fills a residual slot with fresh memory of this shape.
template <class T>
T* residual(keras_tensor& slot, int32_t dtype, std::initializer_list<int64_t> shape) {
  slot.desc = {};
  slot.desc.dtype = dtype;
  slot.desc.rank = static_cast<int32_t>(shape.size());
  int i = 0;
  for (int64_t size : shape) slot.desc.shape[i++] = size;
  slot.buffer = allocate(byte_size(slot.desc));
  return static_cast<T*>(slot.buffer->data);
}

}  // namespace keras::native
