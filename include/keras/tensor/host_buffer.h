// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "keras/tensor/tensor.h"

/// Host memory of tensors and conversion between element types, for the rooms that fill tensors.
namespace keras::internal {

/// Uninitialised memory, aligned to 64 bytes (up to 8 bytes of it to 8). Throws BackendError when there is
/// not enough.
std::shared_ptr<void> allocate_host(size_t bytes);

/// A tensor over memory that holds its elements, dense and row-major; no copy. Throws TypeError for strings.
Tensor host_tensor(std::shared_ptr<const void> bytes, const Shape& shape, DType dtype);

/// Converts `count` elements. Real numbers become integers by truncation: beyond int64 the nearest int64,
/// NaN 0, and narrower integers keep the low bits as in C; complex numbers lose their imaginary part; to
/// bool, everything but 0 is true. Throws TypeError for strings.
void convert_elements(const void* from, DType from_dtype, void* to, DType to_dtype, int64_t count);

/// The tensor with elements of another dtype, computed on the host; a weak scalar becomes a strong one
/// without loss of digits. Throws TypeError for an abstract tensor, or to or from strings.
Tensor host_cast(const Tensor& tensor, DType dtype);

}  // namespace keras::internal
