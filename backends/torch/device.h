// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace keras::aten {

/// A device and what it holds.
struct Device {
  at::Device place;
  std::string name;
};

/// The GPUs that LibTorch sees, then the processor.
const std::vector<Device>& devices();
/// The number of the device that holds a tensor.
int32_t number_of(const at::Tensor& tensor);
/// Waits for all GPUs.
void wait_for_devices();

/// While it lives, this thread prepares and runs ops on a device.
class OnDevice {
 public:
  explicit OnDevice(int32_t device);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int32_t outer_;
};

/// How an op makes a tensor that does not follow from an operand: on this thread's device.
at::TensorOptions fresh(at::ScalarType dtype);
/// Elements that were computed on the host, on this thread's device.
at::Tensor brought(const at::Tensor& host);

}  // namespace keras::aten
