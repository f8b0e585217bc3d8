// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "keras/tensor/tensor.h"

/// Tensors of other libraries, and ours for them, without a copy: DLPack, the binary interface that NumPy,
/// PyTorch, TensorFlow and JAX share. The structs are those of its public specification (version 1), under
/// names of our own; a pointer to dlpack.h's struct is cast to ours with reinterpret_cast.
///
///     auto out = dlpack::to_dlpack(tensor);                        // the tensor lives until the deleter
///     DLManagedTensorVersioned* capsule = reinterpret_cast<DLManagedTensorVersioned*>(out.release());
///
///     Tensor in = dlpack::from_dlpack(dlpack::Managed(reinterpret_cast<dlpack::ManagedTensor*>(capsule)));
namespace keras::dlpack {

/// Which version of the specification a struct follows. Structs of another major version are not read.
struct Version {
  uint32_t major = 1;  ///< changes with the layout
  uint32_t minor = 0;  ///< changes with what was added
};

/// Where elements lie.
struct Device {
  int32_t type = 1;  ///< 1 processor, 2 CUDA, 3 host memory that CUDA pinned; others are refused
  int32_t id = 0;    ///< which of them
};

/// What elements are.
struct DataType {
  uint8_t code = 2;    ///< 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool; others are refused
  uint8_t bits = 32;   ///< of one element
  uint16_t lanes = 1;  ///< of a vector type; others than 1 are refused
};

/// An array that somebody owns (DLTensor).
struct Array {
  void* data = nullptr;        ///< the beginning of the memory
  Device device;               ///< where it lies
  int32_t ndim = 0;            ///< how many axes
  DataType dtype;              ///< of an element
  int64_t* shape = nullptr;    ///< one size for each axis
  int64_t* strides = nullptr;  ///< in elements; null: dense and row-major
  uint64_t byte_offset = 0;    ///< from data to the first element
};

/// An array with its owner (DLManagedTensorVersioned).
struct ManagedTensor {
  Version version;                             ///< read before anything else
  void* manager_ctx = nullptr;                 ///< the owner's
  void (*deleter)(ManagedTensor*) = nullptr;   ///< called once, when nobody reads the elements any more
  uint64_t flags = 0;                          ///< `read_only` and `copied`
  Array dl_tensor;                             ///< the array
  static constexpr uint64_t read_only = 1;     ///< the elements must not be written
  static constexpr uint64_t copied = 1u << 1;  ///< the elements were copied for this exchange
};

/// An array with its owner, as before version 1 (DLManagedTensor).
struct LegacyTensor {
  Array dl_tensor;                           ///< the array
  void* manager_ctx = nullptr;               ///< the owner's
  void (*deleter)(LegacyTensor*) = nullptr;  ///< called once, when nobody reads the elements any more
};

/// Calls the owner's deleter.
struct CallDeleter {
  /// For unique_ptr.
  ///@{
  void operator()(ManagedTensor* tensor) const;
  void operator()(LegacyTensor* tensor) const;
  ///@}
};
/// The right to call the deleter; release() gives it to somebody else.
using Managed = std::unique_ptr<ManagedTensor, CallDeleter>;
/// The same for the older struct.
using LegacyManaged = std::unique_ptr<LegacyTensor, CallDeleter>;

/// How an array is taken in.
struct ImportOptions {
  /// Nothing: a copy where sharing is impossible. True: always one. False: never, and an UnsupportedError
  /// where one would be needed.
  std::optional<bool> copy = {};
};

/// The array as a tensor that shares its memory; the deleter is called when the last tensor lets go of it.
/// The owner must have finished writing the elements, and must not write them as long as the tensor lives.
/// Elements in host memory that are not dense and row-major, or not aligned to their size, are copied; ones
/// on a GPU must be dense. A GPU's array needs a backend that has this GPU. Throws ValueError for an empty
/// pointer or a nonsensical shape, TypeError for elements of a type that no tensor has, UnsupportedError for
/// another major version, a device that is not there, or a copy that `options` forbid. The deleter is called
/// then, too.
///@{
Tensor from_dlpack(Managed array, const ImportOptions& options = {});
Tensor from_dlpack(LegacyManaged array, const ImportOptions& options = {});
///@}

/// The tensor's elements for another library, where they lie: in the backend's memory, with its strides, if
/// it shows it, else in host memory. They stay as long as the deleter is not called, and must not be written:
/// the flag `read_only` says so, for which the older struct has no place. Throws TypeError for a tensor
/// without elements (symbolic or in a trace) or of strings.
///@{
Managed to_dlpack(const Tensor& tensor);
LegacyManaged to_legacy_dlpack(const Tensor& tensor);
///@}

}  // namespace keras::dlpack
