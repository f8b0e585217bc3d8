// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keras {

namespace internal {
class Backend;
}  // namespace internal

/// While it lives, ops of this thread run on one device of the backend, and the values of variables that are
/// made lie there. Scopes nest; they end in the reverse order. Made by `device`.
class DeviceScope {
 public:
  /// The same as `device(name)`.
  explicit DeviceScope(std::string_view name);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  const internal::Backend* outer_backend_;
  int outer_device_;
};

/// Runs ops on a device (Keras' `keras.device`): "cpu:0", "gpu:1"; without a number the first of its kind,
/// upper case and "cuda" as Keras takes them.
///
///     {
///       const auto scope = device("cpu:0");
///       model.predict(x);   // here on the processor
///     }
///
/// Outside of any scope ops run on the backend's default device: its first GPU where it has one. An op copies
/// operands that lie on another device, and nothing else is ever moved; a compiled function is made once for
/// each device that it is called on. The first scope chooses the backend, as the first tensor does.
/// Throws ValueError for a device that is not there, and UnsupportedError in a function that is being traced
/// for another device.
[[nodiscard]] DeviceScope device(std::string_view name);

namespace distribution {

/// Names of the backend's devices of one kind, "cpu" or "gpu"; without a kind its GPUs where it has any, else
/// its processors (Keras' `keras.distribution.list_devices`).
std::vector<std::string> list_devices(std::string_view device_type = {});
/// How many there are.
int64_t get_device_count(std::string_view device_type = {});

}  // namespace distribution
}  // namespace keras
