// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/trace.h"

namespace keras {

namespace {

// The innermost scope of this thread. A number means a device of that backend only.
thread_local const internal::Backend* scope_backend = nullptr;
thread_local int scope_device = 0;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view kind_of(std::string_view device) { return device.substr(0, device.find(':')); }

}  // namespace

namespace internal {

int current_device(const Backend& backend) { return scope_backend == &backend ? scope_device : 0; }

Tensor placed(Tensor value) {
  if (scope_backend == nullptr || value.dtype() == DType::string) return value;
  Backend& backend = current_backend();
  if (scope_backend != &backend) return value;
  Tensors moved;
  device_handle(value, backend, scope_device, moved);
  return moved.empty() ? value : moved.front();
}

int Backend::device_number(std::string_view name) const {
  std::string wanted = lower(name);
  if (wanted.starts_with("cuda")) wanted.replace(0, 4, "gpu");
  if (wanted.find(':') == std::string::npos) wanted += ":0";
  const auto it = std::find(devices_.begin(), devices_.end(), wanted);
  if (it == devices_.end()) {
    internal::fail<ValueError>({"device", fmt::format("The device must be one of the {} backend", name_),
                                fmt::format("'{}'", name),
                                fmt::format("its devices: {}", fmt::join(devices_, ", "))});
  }
  return static_cast<int>(it - devices_.begin());
}

}  // namespace internal

DeviceScope::DeviceScope(std::string_view name) : outer_backend_(scope_backend), outer_device_(scope_device) {
  const internal::Backend& backend = internal::current_backend();
  const int wanted = backend.device_number(name);
  const int now = internal::current_device(backend);
  if (internal::inside_trace() && wanted != now) {
    const auto here = static_cast<size_t>(now);
    internal::fail<UnsupportedError>(
        {"device", "A compiled function runs on one device",
         fmt::format("'{}' in a function that is traced for '{}'", name, backend.devices()[here]),
         "open the scope around the call of the function"});
  }
  scope_backend = &backend;
  scope_device = wanted;
}

DeviceScope::~DeviceScope() {
  scope_backend = outer_backend_;
  scope_device = outer_device_;
}

DeviceScope device(std::string_view name) { return DeviceScope(name); }

namespace distribution {

std::vector<std::string> list_devices(std::string_view device_type) {
  const auto& all = internal::current_backend().devices();
  const auto of_kind = [&](std::string_view kind) {
    std::vector<std::string> out;
    std::copy_if(all.begin(), all.end(), std::back_inserter(out),
                 [kind](const std::string& name) { return kind_of(name) == kind; });
    return out;
  };
  if (!device_type.empty()) return of_kind(lower(device_type));
  auto gpus = of_kind("gpu");
  return gpus.empty() ? of_kind("cpu") : gpus;
}

int64_t get_device_count(std::string_view device_type) {
  return static_cast<int64_t>(list_devices(device_type).size());
}

}  // namespace distribution
}  // namespace keras
