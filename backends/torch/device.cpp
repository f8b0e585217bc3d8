// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <ATen/detail/CUDAHooksInterface.h>

namespace keras::aten {
namespace {

thread_local int32_t current = 0;

}  // namespace

const std::vector<Device>& devices() {
  static const std::vector<Device> all = [] {
    std::vector<Device> found;
    const int gpus = at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
    for (int i = 0; i < gpus; ++i) {
      found.push_back({at::Device(at::kCUDA, static_cast<at::DeviceIndex>(i)), "gpu:" + std::to_string(i)});
    }
    found.push_back({at::Device(at::kCPU), "cpu:0"});
    return found;
  }();
  return all;
}

int32_t number_of(const at::Tensor& tensor) {
  return tensor.is_cuda() ? static_cast<int32_t>(tensor.get_device())
                          : static_cast<int32_t>(devices().size()) - 1;
}

void wait_for_devices() {
  for (const Device& device : devices()) {
    if (device.place.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.place.index());
  }
}

OnDevice::OnDevice(int32_t device) : outer_(current) { current = device; }
OnDevice::~OnDevice() { current = outer_; }

at::TensorOptions fresh(at::ScalarType dtype) {
  return at::TensorOptions(dtype).device(devices()[static_cast<size_t>(current)].place);
}

at::Tensor brought(const at::Tensor& host) {
  const at::Device place = devices()[static_cast<size_t>(current)].place;
  return place.is_cpu() ? host : host.to(place);
}

}  // namespace keras::aten
