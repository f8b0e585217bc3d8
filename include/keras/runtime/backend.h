// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keras/graph/graph.h"
#include "keras/runtime/backend_api.h"

namespace keras {

namespace internal {

/// A loaded plug-in: the C table behind a C++ face that turns status codes into exceptions.
class Backend final : public MemoryOwner {
 public:
  Backend(std::string path, void* library, const keras_backend& table);
  ~Backend() override;
  const keras_backend& table() const { return table_; }
  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

  /// Names of its devices ("cpu:0", "gpu:1"), by number; number 0 is the default.
  const std::vector<std::string>& devices() const { return devices_; }
  /// The number of a device. Throws ValueError, with those that are there, for any other name.
  int device_number(std::string_view name) const;

  /// Memory of a device with the elements of a dense row-major host array (null: uninitialised).
  DeviceMemory upload(const void* data, const TensorType& type, int device = 0) const;
  /// Host memory itself where the device is the processor and the memory fits, else a copy of it.
  DeviceMemory share(const std::shared_ptr<const void>& data, const TensorType& type, int device) const;
  /// The caller's memory of that device without a copy; empty, and `deleter` not called, where it does not
  /// fit.
  DeviceMemory import(const void* data, const TensorType& type, int device, keras_deleter deleter,
                      void* context) const;
  /// Where the elements lie, once everything before is done. False where the backend does not say.
  bool view(void* handle, const TensorType& type, keras_view& out) const;
  /// The elements in new memory of a device.
  DeviceMemory copy(void* handle, const TensorType& type, int device) const;
  /// The device that holds the memory.
  int device_of(void* handle) const;
  /// Throws the exception that fits the status, with the op and the operands' types.
  [[noreturn]] void fail(keras_status status, std::string_view where, std::string_view received) const;
  void check(keras_status status, std::string_view where, std::string_view received = {}) const {
    if (status != KERAS_OK) fail(status, where, received);
  }

  void release(void* handle) const override;
  void download(void* handle, DType dtype, const Shape& shape, void* destination) const override;
  const void* map(void* handle, DType dtype, const Shape& shape) const override;
  std::string device_name(void* handle) const override;

 private:
  std::string path_;
  std::string name_;
  void* library_;
  keras_backend table_;
  std::vector<std::string> devices_;
};

/// The backend that ops run on; loads it at the first call (see config::backend()).
Backend& current_backend();
/// Loads `libkeras_<name>.so`, or gives the one already loaded. Throws BackendError with the reason and the
/// list of installed backends.
Backend& load_backend(std::string_view name);
/// Names of the plug-ins that can be found.
std::vector<std::string> installed_backends();
/// The device of a backend that ops of this thread run on: that of the innermost scope, else its default.
int current_device(const Backend& backend);
/// The value on the device of the innermost scope, copied only if it lies on another; outside of scopes as it
/// is.
Tensor placed(Tensor value);
/// Tensor memory on a backend, wherever it lies; host elements go to the current device at the first use.
void* device_handle(const Tensor& tensor, Backend& backend);
/// The same memory on a given device. Where the tensor lives on another one, it is copied, and `moved` keeps
/// the copy.
void* device_handle(const Tensor& tensor, Backend& backend, int device, Tensors& moved);
/// A tensor around memory that a backend gave.
Tensor adopt(const TensorType& type, DeviceMemory memory);
keras_desc to_desc(const TensorType& type);
keras_desc to_desc(const Tensor& tensor);
TensorType to_type(const keras_desc& desc);
/// Binds threads for a long run on the current backend while it lives.
class RunScope {
 public:
  RunScope();
  ~RunScope();
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;
};

/// A graph compiled by a backend for the current device, or driven node by node where it declines.
class Executable {
 public:
  Executable(Backend& backend, std::shared_ptr<const Graph> graph, std::vector<keras_use> uses,
             std::vector<int> output_variables);
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;
  /// True when the backend compiled the graph itself.
  bool compiled() const;
  /// Runs on operands in the order of the graph's inputs, and puts what the graph gives into `results`, one
  /// tensor an output. Where it succeeds, operands that were donated or that an output replaces are let go of
  /// (they become undefined); a variable's memory is written over only where the operand is the only handle
  /// to it, so move the tensor in. Where it throws, variables are as they were and donated operands are
  /// undefined. In its steady state a compiled graph allocates nothing here. Safe from several threads.
  void run(std::span<Tensor> operands, std::span<Tensor> results) const;
  /// The same, for calls that need not be fast.
  Tensors run(std::span<Tensor> operands) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace internal

namespace config {

/// Name of the backend: `KERAS_CPP_BACKEND`, else `KERAS_BACKEND`, else "cpp_backend" in keras.json
/// ($KERAS_HOME or ~/.keras), else "native".
std::string backend();
/// Chooses the backend. Throws ValueError for an unknown name or when tensors exist on another one.
void set_backend(std::string_view name);

}  // namespace config
}  // namespace keras
