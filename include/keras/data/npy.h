// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

/// NumPy's files: `.npy` holds one array, `.npz` is a zip archive of them.
///
/// Read are format versions 1 to 3, either byte order, C and Fortran order, bools, integers, float16 to
/// float64, complex numbers (complex128 narrows to complex64), byte strings and unicode strings; two-byte
/// void elements are bfloat16, as the package ml_dtypes writes them. Missing or broken files raise ValueError
/// with the path, pickled objects and structured dtypes UnsupportedError.
namespace keras {

/// Arrays with their names, in the order of the file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The array of a `.npy` file.
Tensor load_npy(const std::string& path);
/// Writes a `.npy` file. Strings become unicode elements.
void save_npy(const std::string& path, const Tensor& tensor);

/// The array in the bytes of a `.npy` file; `where` names them in errors.
Tensor npy_from_bytes(std::span<const std::byte> bytes, std::string_view where);
/// The bytes of a `.npy` file.
std::vector<std::byte> npy_to_bytes(const Tensor& tensor);

/// The arrays of a `.npz` file, stored or deflated.
NamedTensors load_npz(const std::string& path);
/// Writes a `.npz` file; `compressed` as numpy.savez_compressed.
void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed = false);

/// The arrays in the bytes of a `.npz` file; `where` names them in errors.
NamedTensors npz_from_bytes(std::span<const std::byte> bytes, std::string_view where);

}  // namespace keras
