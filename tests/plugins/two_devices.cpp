// SPDX-License-Identifier: Apache-2.0
// libkeras_pair.so: the native backend as if it had two devices, "gpu:0" (the default) and "cpu:0". Memory of
// the one is refused on the other, and the host cannot read the GPU's: what the runtime moves, and when,
// shows on a machine without a GPU.
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "keras/runtime/backend_api.h"

struct keras_buffer {
  std::atomic<int> references{1};
  keras_buffer* inner;
  int32_t device;
};
struct keras_kernel {
  keras_kernel* inner;
  int32_t device;
};
struct keras_executable {
  keras_executable* inner;
  int32_t device;
};

namespace {

keras_backend native;
std::atomic<int64_t> copies{0};
thread_local std::string failure;

constexpr int32_t kGpu = 0;

keras_status passed(keras_status status) {
  if (status != KERAS_OK) failure = native.last_error();
  return status;
}

keras_status wrap(keras_status status, int32_t device, keras_buffer* inner, keras_buffer** out) {
  if (status == KERAS_OK) *out = new keras_buffer{{1}, inner, device};
  return passed(status);
}

int32_t device_count() { return 2; }
const char* device_name(int32_t device) { return device == kGpu ? "gpu:0" : "cpu:0"; }
uint32_t dtype_usage(int32_t, int32_t dtype) { return native.dtype_usage(0, dtype); }

keras_status upload(int32_t device, const keras_desc* desc, const void* data, keras_buffer** out) {
  keras_buffer* inner = nullptr;
  const keras_status status = native.upload(0, desc, data, &inner);
  return wrap(status, device, inner, out);
}

keras_status import(int32_t device, const keras_desc* desc, const void* data, keras_deleter deleter,
                    void* context, keras_buffer** out) {
  keras_buffer* inner = nullptr;
  const keras_status status = native.import(0, desc, data, deleter, context, &inner);
  return wrap(status, device, inner, out);
}

keras_status export_view(keras_buffer* buffer, const keras_desc* desc, keras_view* out) {
  const keras_status status = native.export_view(buffer->inner, desc, out);
  if (buffer->device == kGpu) out->device_type = 2;
  return passed(status);
}

keras_status download(keras_buffer* buffer, const keras_desc* desc, void* data) {
  return passed(native.download(buffer->inner, desc, data));
}

void retain(keras_buffer* buffer) { ++buffer->references; }
void release(keras_buffer* buffer) {
  if (--buffer->references != 0) return;
  native.free(buffer->inner);
  delete buffer;
}
int32_t device_of(keras_buffer* buffer) { return buffer->device; }

keras_status prepare(int32_t device, const keras_op* op, keras_prepared* out) {
  const keras_status status = native.prepare(0, op, out);
  if (status == KERAS_OK && out->kernel != nullptr) out->kernel = new keras_kernel{out->kernel, device};
  return passed(status);
}

// Runs native's code on the buffers inside. They are held, so that native writes to none of them.
template <class Run>
keras_status run(int32_t device, const keras_tensor* in, int32_t num_in, keras_tensor* out, int32_t num_out,
                 const Run& code) {
  std::vector<keras_tensor> operands(in, in + num_in);
  std::vector<keras_tensor> results(out, out + num_out);
  for (auto& operand : operands) {
    if (operand.buffer->device != device) {
      failure =
          std::string("an operand on ") + device_name(operand.buffer->device) + " for " + device_name(device);
      return KERAS_ERROR_INTERNAL;
    }
    operand.buffer = operand.buffer->inner;
  }
  for (auto& result : results) result.buffer = nullptr;
  for (auto& operand : operands) native.retain(operand.buffer);
  const keras_status status = code(operands.data(), results.data());
  for (auto& operand : operands) native.free(operand.buffer);
  if (status != KERAS_OK) return passed(status);
  for (int32_t i = 0; i < num_out; ++i) {
    if (out[i].buffer != nullptr) release(out[i].buffer);
    out[i] = results[static_cast<size_t>(i)];
    out[i].buffer = new keras_buffer{{1}, out[i].buffer, device};
  }
  return KERAS_OK;
}

keras_status launch(keras_kernel* kernel, void* stream, const keras_tensor* in, int32_t num_in,
                    keras_tensor* out, int32_t num_out) {
  return run(kernel->device, in, num_in, out, num_out,
             [&](const keras_tensor* operands, keras_tensor* results) {
               return native.launch(kernel->inner, stream, operands, num_in, results, num_out);
             });
}

void release_kernel(keras_kernel* kernel) {
  native.release_kernel(kernel->inner);
  delete kernel;
}

keras_status compile(int32_t device, const keras_graph* graph, keras_executable** out) {
  keras_executable* inner = nullptr;
  const keras_status status = native.compile(0, graph, &inner);
  if (status == KERAS_OK) *out = new keras_executable{inner, device};
  return passed(status);
}

keras_status execute(keras_executable* executable, void* stream, const keras_tensor* in, int32_t num_in,
                     keras_tensor* out, int32_t num_out) {
  return run(executable->device, in, num_in, out, num_out,
             [&](const keras_tensor* operands, keras_tensor* results) {
               return native.execute(executable->inner, stream, operands, num_in, results, num_out);
             });
}

void release_executable(keras_executable* executable) {
  native.release_executable(executable->inner);
  delete executable;
}

keras_status copy(int32_t device, keras_buffer* buffer, const keras_desc* desc, keras_buffer** out) {
  keras_view view{};
  keras_buffer* inner = nullptr;
  keras_status status = native.export_view(buffer->inner, desc, &view);
  if (status == KERAS_OK) status = native.upload(0, desc, view.data, &inner);
  ++copies;
  return wrap(status, device, inner, out);
}

const char* last_error() { return failure.c_str(); }

}  // namespace

// How many copies between devices there were so far.
extern "C" __attribute__((visibility("default"))) int64_t keras_test_copies() { return copies.load(); }

extern "C" __attribute__((visibility("default"))) int keras_backend_open(const keras_host* host,
                                                                         keras_backend* table) {
  void* library = dlopen(KERAS_TEST_NATIVE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return KERAS_ERROR_INTERNAL;
  using Open = int (*)(const keras_host*, keras_backend*);
  native.struct_size = sizeof(native);
  reinterpret_cast<Open>(dlsym(library, "keras_backend_open"))(host, &native);
  *table = native;
  table->name = "pair";
  table->version = "native, twice";
  table->device_count = device_count;
  table->device_name = device_name;
  table->dtype_usage = dtype_usage;
  table->upload = upload;
  table->import = import;
  table->export_view = export_view;
  table->download = download;
  table->retain = retain;
  table->free = release;
  table->device_of = device_of;
  table->prepare = prepare;
  table->launch = launch;
  table->release_kernel = release_kernel;
  table->compile = compile;
  table->execute = execute;
  table->release_executable = release_executable;
  table->last_error = last_error;
  table->copy = copy;
  return KERAS_OK;
}
