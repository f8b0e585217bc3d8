// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/dlpack.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/tensor/host_buffer.h"

namespace keras::dlpack {

namespace {

using internal::Backend;
using internal::fail;

// The layout that the specification fixes.
static_assert(sizeof(Array) == 48 && offsetof(Array, byte_offset) == 40);
static_assert(sizeof(LegacyTensor) == 64 && offsetof(LegacyTensor, deleter) == 56);
static_assert(sizeof(ManagedTensor) == 80 && offsetof(ManagedTensor, dl_tensor) == 32);

constexpr Version kVersion{1, 1};

enum Code : uint8_t { kInt = 0, kUint = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6 };
enum DeviceType : int32_t { kCpu = 1, kCuda = 2, kCudaHost = 3 };

struct Row {
  DType dtype;
  uint8_t code;
  uint8_t bits;
};
constexpr std::array kRows = {
    Row{DType::bool_, kBool, 8},     Row{DType::uint8, kUint, 8},         Row{DType::uint16, kUint, 16},
    Row{DType::uint32, kUint, 32},   Row{DType::uint64, kUint, 64},       Row{DType::int8, kInt, 8},
    Row{DType::int16, kInt, 16},     Row{DType::int32, kInt, 32},         Row{DType::int64, kInt, 64},
    Row{DType::float16, kFloat, 16}, Row{DType::bfloat16, kBfloat, 16},   Row{DType::float32, kFloat, 32},
    Row{DType::float64, kFloat, 64}, Row{DType::complex64, kComplex, 64},
};

DType dtype_from(const DataType& type) {
  for (const Row& row : kRows) {
    if (row.code == type.code && row.bits == type.bits && type.lanes == 1) return row.dtype;
  }
  fail<TypeError>({"from_dlpack", "The elements must be of a dtype that tensors have",
                   fmt::format("code {}, {} bits, {} lanes", type.code, type.bits, type.lanes),
                   "cast the array before the exchange"});
}

DataType data_type_of(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return {row.code, row.bits, 1};
  }
  fail<TypeError>({"to_dlpack", "Strings have no elements to exchange", std::string(dtype_name(dtype)), ""});
}

Shape shape_of(const Array& array) {
  if (array.ndim < 0 || (array.ndim > 0 && array.shape == nullptr)) {
    fail<ValueError>({"from_dlpack", "An array has a size for each of its axes",
                      fmt::format("ndim {}{}", array.ndim, array.shape == nullptr ? " without a shape" : ""),
                      ""});
  }
  Shape shape;
  int64_t elements = 1;
  for (int32_t i = 0; i < array.ndim; ++i) {
    const int64_t size = array.shape[i];
    if (size < 0 || __builtin_mul_overflow(elements, size == 0 ? 1 : size, &elements)) {
      fail<ValueError>({"from_dlpack", "The sizes of an array are not negative, and memory has room for it",
                        fmt::format("size {} on axis {}", size, i), ""});
    }
    shape.push_back(Dim(size));
  }
  return shape;
}

bool is_dense(const Array& array) {
  if (array.strides == nullptr) return true;
  int64_t dense = 1;
  for (int32_t i = array.ndim - 1; i >= 0; --i) {
    if (array.shape[i] != 1 && array.strides[i] != dense) return false;
    dense *= array.shape[i];
  }
  return true;
}

// The elements of any strides, one after the other.
std::shared_ptr<const void> gathered(const Array& array, const char* first, const Shape& shape,
                                     size_t width) {
  const auto count = static_cast<size_t>(shape.elements());
  auto bytes = internal::allocate_host(count * width);
  auto* to = static_cast<char*>(bytes.get());
  if (is_dense(array)) {
    std::memcpy(to, first, count * width);
    return bytes;
  }
  const auto rank = static_cast<size_t>(array.ndim);
  std::vector<int64_t> index(rank, 0);
  const int64_t inner = array.shape[rank - 1];
  const int64_t step = array.strides[rank - 1] * static_cast<int64_t>(width);
  const char* row = first;
  while (true) {
    for (int64_t i = 0; i < inner; ++i, to += width) std::memcpy(to, row + i * step, width);
    size_t axis = rank - 1;
    while (axis > 0) {
      --axis;
      const int64_t stride = array.strides[axis] * static_cast<int64_t>(width);
      row += stride;
      if (++index[axis] < array.shape[axis]) break;
      row -= stride * array.shape[axis];
      index[axis] = 0;
      if (axis == 0) return bytes;
    }
    if (rank == 1) return bytes;
  }
}

void refuse_copy(const ImportOptions& options, const char* why) {
  if (options.copy != false) return;
  fail<UnsupportedError>({"from_dlpack", "Without a copy, the elements must be dense, row-major and aligned",
                          why, "leave out copy = false"});
}

Tensor from_host(const Array& array, const TensorType& type, std::shared_ptr<const void> owner,
                 const ImportOptions& options) {
  const size_t width = dtype_size(type.dtype);
  const char* first = static_cast<const char*>(array.data) + array.byte_offset;
  if (type.shape.elements() == 0) {
    return internal::host_tensor(internal::allocate_host(0), type.shape, type.dtype);
  }
  const bool aligned = reinterpret_cast<uintptr_t>(first) % (type.dtype == DType::complex64 ? 4 : width) == 0;
  const bool dense = is_dense(array);
  if (!dense) refuse_copy(options, "strides of a view");
  if (!aligned) refuse_copy(options, "an address that is not aligned to the elements");
  if (options.copy == true || !dense || !aligned) {
    return internal::host_tensor(gathered(array, first, type.shape, width), type.shape, type.dtype);
  }
  // The same memory, owned together with the right to call the deleter.
  return internal::host_tensor(std::shared_ptr<const void>(std::move(owner), first), type.shape, type.dtype);
}

// The current backend's device of this kind and number.
int find_device(const Backend& backend, const Device& device) {
  const std::string name = fmt::format("gpu:{}", device.id);
  const auto& all = backend.devices();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == name) return static_cast<int>(i);
  }
  fail<UnsupportedError>({"from_dlpack",
                          fmt::format("The {} backend must have the array's device", backend.name()),
                          fmt::format("{}; its devices: {}", name, fmt::join(all, ", ")),
                          "copy the array to host memory before the exchange"});
}

void drop_owner(void* context) {
  const std::unique_ptr<std::shared_ptr<const void>> last(static_cast<std::shared_ptr<const void>*>(context));
}

Tensor from_gpu(const Array& array, const TensorType& type, std::shared_ptr<const void> owner,
                const ImportOptions& options) {
  Backend& backend = internal::current_backend();
  const int device = find_device(backend, array.device);
  if (!is_dense(array)) {
    fail<UnsupportedError>({"from_dlpack", "An array on a GPU must be dense and row-major",
                            "strides of a view", "make it contiguous before the exchange"});
  }
  if (type.shape.elements() == 0) return internal::adopt(type, backend.upload(nullptr, type, device));
  auto held = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
  const void* first = static_cast<const char*>(array.data) + array.byte_offset;
  internal::DeviceMemory memory = backend.import(first, type, device, &drop_owner, held.get());
  if (!memory) {
    fail<UnsupportedError>({"from_dlpack",
                            fmt::format("The {} backend must take a GPU's memory in", backend.name()),
                            type.to_string(), "copy the array to host memory before the exchange"});
  }
  static_cast<void>(held.release());  // drop_owner takes it
  if (options.copy == true) memory = backend.copy(memory.handle(), type, device);
  return internal::adopt(type, std::move(memory));
}

Tensor take(const Array& array, std::shared_ptr<const void> owner, const ImportOptions& options) {
  const TensorType type{dtype_from(array.dtype), shape_of(array)};
  if (array.data == nullptr && type.shape.elements() > 0) {
    fail<ValueError>(
        {"from_dlpack", "An array with elements has memory", "a null pointer for " + type.to_string(), ""});
  }
  switch (array.device.type) {
    case kCpu:
    case kCudaHost:
      return from_host(array, type, std::move(owner), options);
    case kCuda:
      return from_gpu(array, type, std::move(owner), options);
    default:
      fail<UnsupportedError>({"from_dlpack", "The elements must lie in host memory or on a CUDA device",
                              fmt::format("device type {}", array.device.type),
                              "copy the array to host memory before the exchange"});
  }
}

// What an exported struct points to; the struct is its first part, so that the deleter finds the whole.
template <class Struct>
struct Exported {
  Struct body;
  Tensor tensor;
  std::array<int64_t, KERAS_MAX_RANK> shape;
  std::array<int64_t, KERAS_MAX_RANK> strides;
};

template <class Struct>
void delete_exported(Struct* body) {
  delete static_cast<Exported<Struct>*>(body->manager_ctx);  // NOLINT: to_dlpack made it
}

void fill_dense_strides(keras_view& view, const Shape& shape) {
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    view.strides[i] = stride;
    stride *= shape[static_cast<size_t>(i)].value();
  }
}

keras_view view_of(const Tensor& tensor) {
  auto& impl = tensor.impl();
  keras_view view{};
  if (!impl.abstract && impl.device_ready.load(std::memory_order_acquire)) {
    const auto* backend = dynamic_cast<const Backend*>(impl.device.owner());
    if (backend != nullptr && backend->view(impl.device.handle(), {impl.dtype, impl.shape}, view))
      return view;
  }
  view = {};
  view.data = tensor.host_data();
  view.device_type = kCpu;
  fill_dense_strides(view, tensor.shape());
  return view;
}

template <class Struct>
Struct* exported(const Tensor& tensor) {
  const DataType dtype = data_type_of(tensor.dtype());
  const keras_view view = view_of(tensor);
  auto whole = std::make_unique<Exported<Struct>>();
  whole->tensor = tensor;
  for (int i = 0; i < tensor.rank(); ++i) {
    const auto axis = static_cast<size_t>(i);
    whole->shape[axis] = tensor.shape()[axis].value();
    whole->strides[axis] = view.strides[i];
  }
  Array& array = whole->body.dl_tensor;
  array.data = const_cast<void*>(view.data);  // NOLINT: the specification has no const
  array.device = {view.device_type, view.device_index};
  array.ndim = tensor.rank();
  array.dtype = dtype;
  array.shape = whole->shape.data();
  array.strides = whole->strides.data();
  whole->body.manager_ctx = whole.get();
  whole->body.deleter = &delete_exported<Struct>;
  return &whole.release()->body;
}

}  // namespace

void CallDeleter::operator()(ManagedTensor* tensor) const {
  if (tensor->deleter != nullptr) tensor->deleter(tensor);
}
void CallDeleter::operator()(LegacyTensor* tensor) const {
  if (tensor->deleter != nullptr) tensor->deleter(tensor);
}

Tensor from_dlpack(Managed array, const ImportOptions& options) {
  if (array == nullptr) fail<ValueError>({"from_dlpack", "There must be an array", "nullptr", ""});
  if (array->version.major != kVersion.major) {
    fail<UnsupportedError>({"from_dlpack", fmt::format("Arrays of DLPack {} are understood", kVersion.major),
                            fmt::format("version {}.{}", array->version.major, array->version.minor),
                            "ask the other library for version 1"});
  }
  const Array& description = array->dl_tensor;
  return take(description, std::shared_ptr<ManagedTensor>(std::move(array)), options);
}

Tensor from_dlpack(LegacyManaged array, const ImportOptions& options) {
  if (array == nullptr) fail<ValueError>({"from_dlpack", "There must be an array", "nullptr", ""});
  const Array& description = array->dl_tensor;
  return take(description, std::shared_ptr<LegacyTensor>(std::move(array)), options);
}

Managed to_dlpack(const Tensor& tensor) {
  Managed out(exported<ManagedTensor>(tensor));
  out->version = kVersion;
  out->flags = ManagedTensor::read_only;
  return out;
}

LegacyManaged to_legacy_dlpack(const Tensor& tensor) { return LegacyManaged(exported<LegacyTensor>(tensor)); }

}  // namespace keras::dlpack
