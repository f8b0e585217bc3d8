// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/backend.h"

#include <fmt/format.h>

#include <utility>

#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"
#include "runtime/backend_choice.h"

namespace keras::internal {

Backend::Backend(std::string path, void* library, const keras_backend& table)
    : path_(std::move(path)), name_(table.name), library_(library), table_(table) {
  const int32_t count = table_.device_count();
  for (int32_t i = 0; i < count; ++i) devices_.emplace_back(table_.device_name(i));
}

// A framework's threads and static state do not survive dlclose, so the library stays.
Backend::~Backend() { static_cast<void>(library_); }

void Backend::fail(keras_status status, std::string_view where, std::string_view received) const {
  const char* reason = table_.last_error();
  std::string what = reason == nullptr || *reason == '\0' ? "no reason given" : reason;
  if (!what.empty() && what.back() == '.') what.pop_back();
  const ErrorText text{where, what, std::string(received), ""};
  switch (status) {
    case KERAS_ERROR_VALUE:
      internal::fail<ValueError>(text);
    case KERAS_ERROR_UNSUPPORTED:
      internal::fail<UnsupportedError>(text);
    default:
      break;
  }
  const std::string sentence = fmt::format("The {} backend failed: {}", name_, what);
  internal::fail<BackendError>({where, sentence, std::string(received), ""});
}

namespace {

keras_buffer* buffer_of(void* handle) { return static_cast<keras_buffer*>(handle); }

// Below so many bytes a copy costs less than keeping two homes of one memory.
constexpr int64_t kSharedBytes = 16384;

void release_host_memory(void* context) {
  const std::unique_ptr<std::shared_ptr<const void>> last(static_cast<std::shared_ptr<const void>*>(context));
}

}  // namespace

DeviceMemory Backend::upload(const void* data, const TensorType& type, int device) const {
  keras_buffer* buffer = nullptr;
  const keras_desc desc = to_desc(type);
  const keras_status status = table_.upload(device, &desc, data, &buffer);
  if (status != KERAS_OK) fail(status, "upload", type.to_string());
  return {this, buffer};
}

DeviceMemory Backend::import(const void* data, const TensorType& type, int device, keras_deleter deleter,
                             void* context) const {
  keras_buffer* buffer = nullptr;
  const keras_desc desc = to_desc(type);
  const keras_status status = table_.import(device, &desc, data, deleter, context, &buffer);
  if (status == KERAS_ERROR_UNSUPPORTED) return {};
  if (status != KERAS_OK) fail(status, "import", type.to_string());
  return {this, buffer};
}

DeviceMemory Backend::share(const std::shared_ptr<const void>& data, const TensorType& type,
                            int device) const {
  const int64_t bytes = type.shape.elements() * static_cast<int64_t>(dtype_size(type.dtype));
  if (bytes >= kSharedBytes && devices_[static_cast<size_t>(device)].starts_with("cpu")) {
    auto owner = std::make_unique<std::shared_ptr<const void>>(data);
    DeviceMemory memory = import(data.get(), type, device, &release_host_memory, owner.get());
    if (memory) {
      static_cast<void>(owner.release());  // release_host_memory takes it
      return memory;
    }
  }
  return upload(data.get(), type, device);
}

DeviceMemory Backend::copy(void* handle, const TensorType& type, int device) const {
  const keras_desc desc = to_desc(type);
  if (table_.copy != nullptr) {
    keras_buffer* buffer = nullptr;
    const keras_status status = table_.copy(device, buffer_of(handle), &desc, &buffer);
    if (status != KERAS_OK) fail(status, "copy", type.to_string());
    return {this, buffer};
  }
  if (const void* elements = map(handle, type.dtype, type.shape)) return upload(elements, type, device);
  const auto bytes = static_cast<size_t>(type.shape.elements()) * dtype_size(type.dtype);
  const auto host = allocate_host(bytes);
  download(handle, type.dtype, type.shape, host.get());
  return upload(host.get(), type, device);
}

int Backend::device_of(void* handle) const { return table_.device_of(buffer_of(handle)); }

bool Backend::view(void* handle, const TensorType& type, keras_view& out) const {
  const keras_desc desc = to_desc(type);
  out = {};
  if (table_.export_view(buffer_of(handle), &desc, &out) != KERAS_OK) return false;
  if (out.device_type != 1) check(table_.sync(nullptr), "sync");
  return true;
}

void Backend::release(void* handle) const { table_.free(buffer_of(handle)); }

void Backend::download(void* handle, DType dtype, const Shape& shape, void* destination) const {
  const keras_desc desc = to_desc(TensorType{dtype, shape});
  check(table_.download(buffer_of(handle), &desc, destination), "download");
}

const void* Backend::map(void* handle, DType dtype, const Shape& shape) const {
  const keras_desc desc = to_desc(TensorType{dtype, shape});
  keras_view view{};
  if (table_.export_view(buffer_of(handle), &desc, &view) != KERAS_OK || view.device_type != 1)
    return nullptr;
  int64_t dense = 1;
  for (int i = desc.rank - 1; i >= 0; --i) {
    if (desc.shape[i] != 1 && view.strides[i] != dense) return nullptr;
    dense *= desc.shape[i];
  }
  return view.data;
}

std::string Backend::device_name(void* handle) const {
  return table_.device_name(table_.device_of(buffer_of(handle)));
}

Backend& current_backend() {
  Backend* chosen = chosen_backend.load(std::memory_order_acquire);
  return chosen != nullptr ? *chosen : choose_backend();
}

keras_desc to_desc(const TensorType& type) {
  keras_desc desc{};
  desc.dtype = static_cast<int32_t>(type.dtype);
  desc.rank = type.shape.rank();
  if (desc.rank > KERAS_MAX_RANK) {
    fail<UnsupportedError>({"tensor", fmt::format("A tensor has at most {} axes", KERAS_MAX_RANK),
                            type.shape.to_string(), "merge axes with reshape"});
  }
  for (int i = 0; i < desc.rank; ++i) desc.shape[i] = type.shape[static_cast<size_t>(i)].code();
  return desc;
}

keras_desc to_desc(const Tensor& tensor) { return to_desc(TensorType{tensor.dtype(), tensor.shape()}); }

TensorType to_type(const keras_desc& desc) {
  TensorType type{static_cast<DType>(desc.dtype), {}};
  for (int i = 0; i < desc.rank; ++i) type.shape.push_back(Dim::from_code(desc.shape[i]));
  return type;
}

Tensor adopt(const TensorType& type, DeviceMemory memory) {
  auto* impl = new TensorImpl;
  impl->dtype = type.dtype;
  impl->shape = type.shape;
  impl->device = std::move(memory);
  impl->device_ready.store(true, std::memory_order_release);
  return Tensor(impl);
}

namespace {

std::string owner_name(const DeviceMemory& memory) {
  const auto* owner = dynamic_cast<const Backend*>(memory.owner());
  return owner == nullptr ? "another backend" : owner->name();
}

// The tensor's memory on a backend; one that has none yet gets it on this device.
void* handle_on(const Tensor& tensor, Backend& backend, int device) {
  auto& impl = tensor.impl();
  if (!impl.device_ready.load(std::memory_order_acquire)) {
    if (impl.abstract != nullptr) fail<TypeError>({"apply", impl.abstract->why_unreadable(), "", ""});
    if (impl.dtype == DType::string) {
      fail<TypeError>(
          {"apply", "Ops take numbers; string tensors work in the preprocessing ops only", "", ""});
    }
  }
  const DeviceMemory& memory = impl.device_memory([&] {
    return backend.share(impl.host.bytes, {impl.dtype, impl.shape}, device);
  });
  if (memory.owner() != &backend) {
    fail<ValueError>({"apply", "All operands of an op must live on one backend",
                      fmt::format("a tensor on '{}' beside backend '{}'", owner_name(memory), backend.name()),
                      "copy it through the host with Tensor::copy(t.host_data(), t.shape(), t.dtype())"});
  }
  return memory.handle();
}

}  // namespace

void* device_handle(const Tensor& tensor, Backend& backend) {
  return handle_on(tensor, backend, current_device(backend));
}

void* device_handle(const Tensor& tensor, Backend& backend, int device, Tensors& moved) {
  void* handle = handle_on(tensor, backend, device);
  if (backend.devices().size() == 1 || backend.device_of(handle) == device) return handle;
  const TensorType type{tensor.dtype(), tensor.shape()};
  moved.push_back(adopt(type, backend.copy(handle, type, device)));
  return moved.back().impl().device.handle();
}

RunScope::RunScope() {
  if (const auto enter = current_backend().table().enter_run; enter != nullptr) enter();
}
RunScope::~RunScope() {
  if (const auto leave = current_backend().table().leave_run; leave != nullptr) leave();
}

}  // namespace keras::internal
