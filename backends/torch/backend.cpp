// SPDX-License-Identifier: Apache-2.0
// The table that libkeras opens: status codes and C structs outside, exceptions and at::Tensors inside.
#include <c10/core/InferenceMode.h>
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "graph.h"
#include "kernel.h"

namespace keras::aten {
namespace {

thread_local char last_failure[1024] = "";
// What a device holds, as far as the host's handles tell.
struct Usage {
  std::atomic<uint64_t> now{0};
  std::atomic<uint64_t> peak{0};
};
Usage& usage(int32_t device) {
  static std::vector<Usage> all(devices().size());
  return all[static_cast<size_t>(device)];
}

keras_status report(keras_status status, const char* sentence) {
  std::strncpy(last_failure, sentence, sizeof(last_failure) - 1);
  return status;
}

// Runs an entry of the table without autograd's records, and turns what it throws into a status.
template <class Entry>
keras_status guarded(const Entry& entry) noexcept {
  try {
    const c10::InferenceMode no_autograd;
    entry();
    return KERAS_OK;
  } catch (...) {
    const Failure failure = failure_in_flight();
    return report(failure.status(), failure.what());
  }
}

keras_buffer* publish(at::Tensor tensor) {
  Usage& of = usage(number_of(tensor));
  const uint64_t now = of.now.fetch_add(tensor.nbytes(), std::memory_order_relaxed) + tensor.nbytes();
  uint64_t peak = of.peak.load(std::memory_order_relaxed);
  while (now > peak && !of.peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return new keras_buffer(std::move(tensor));
}

at::Device place_of(int32_t device) { return devices()[static_cast<size_t>(device)].place; }

int32_t device_count() { return static_cast<int32_t>(devices().size()); }
const char* device_name(int32_t device) { return devices()[static_cast<size_t>(device)].name.c_str(); }

uint32_t dtype_usage(int32_t, int32_t dtype) {
  if (dtype < KERAS_BOOL || dtype > KERAS_COMPLEX64) return 0;
  if (is_wide_unsigned(dtype)) return 1;
  return dtype == KERAS_FLOAT32 || dtype == KERAS_FLOAT64 ? 7 : 3;
}

keras_status upload(int32_t device, const keras_desc* desc, const void* data, keras_buffer** out) {
  return guarded([&] {
    at::Tensor tensor = at::empty(sizes_of(*desc), scalar_type(desc->dtype));
    if (data != nullptr && tensor.nbytes() != 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
    *out = publish(tensor.to(place_of(device)));
  });
}

keras_status import(int32_t device, const keras_desc* desc, const void* data, keras_deleter deleter,
                    void* context, keras_buffer** out) {
  return guarded([&] {
    // Ops write to results of their own alone, so that memory which must not change is safe here.
    *out = publish(at::from_blob(
        const_cast<void*>(data), sizes_of(*desc),
        [deleter, context](void*) {
          if (deleter != nullptr) deleter(context);
        },
        at::TensorOptions(scalar_type(desc->dtype)).device(place_of(device))));
  });
}

keras_status export_view(keras_buffer* buffer, const keras_desc*, keras_view* out) {
  *out = {};
  out->data = buffer->tensor.data_ptr();
  out->device_type = buffer->tensor.is_cuda() ? 2 : 1;
  out->device_index = buffer->tensor.is_cuda() ? static_cast<int32_t>(buffer->tensor.get_device()) : 0;
  std::copy(buffer->tensor.strides().begin(), buffer->tensor.strides().end(), out->strides);
  return KERAS_OK;
}

keras_status download(keras_buffer* buffer, const keras_desc*, void* data) {
  return guarded([&] {
    const at::Tensor dense = buffer->tensor.contiguous().cpu();
    if (dense.nbytes() != 0) std::memcpy(data, dense.data_ptr(), dense.nbytes());
  });
}

void retain(keras_buffer* buffer) { buffer->references.fetch_add(1, std::memory_order_relaxed); }

void release(keras_buffer* buffer) {
  if (buffer->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  usage(number_of(buffer->tensor)).now.fetch_sub(buffer->tensor.nbytes(), std::memory_order_relaxed);
  delete buffer;
}

int32_t device_of(keras_buffer* buffer) { return number_of(buffer->tensor); }

keras_status copy(int32_t device, keras_buffer* buffer, const keras_desc*, keras_buffer** out) {
  return guarded([&] {
    *out = publish(buffer->tensor.to(place_of(device), buffer->tensor.scalar_type(), false, true));
  });
}

keras_status prepare(int32_t device, const keras_op* op, keras_prepared* out) {
  return guarded([&] {
    const OnDevice here(device);
    std::string reason;
    auto kernel = make_kernel(*op, reason);
    out->verdict = kernel ? KERAS_NATIVE : KERAS_COMPOSED;
    out->num_residuals = kernel ? kernel->residuals : 0;
    reason.resize(std::min(reason.size(), sizeof(out->reason) - 1));
    std::memcpy(out->reason, reason.c_str(), reason.size() + 1);
    if (kernel) kernel->device = device;
    out->kernel = kernel.release();
  });
}

Values operands_of(const keras_tensor* in, int32_t count) {
  Values operands;
  operands.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) operands.push_back(in[i].buffer->tensor);
  return operands;
}

// Puts results into their slots. Donated memory is let go of: ATen allocates.
void hand_out(Values& results, keras_tensor* out, int32_t count, int32_t own) {
  if (results.size() != static_cast<size_t>(count)) {
    throw Failure(KERAS_ERROR_INTERNAL, "the kernel gave another number of results than was prepared");
  }
  for (int32_t i = 0; i < count; ++i) {
    at::Tensor& result = results[static_cast<size_t>(i)];
    if (i >= own) {
      out[i].desc = {};
      out[i].desc.dtype = result.scalar_type() == at::kDouble ? KERAS_FLOAT64 : KERAS_FLOAT32;
      out[i].desc.rank = static_cast<int32_t>(result.dim());
      std::copy(result.sizes().begin(), result.sizes().end(), out[i].desc.shape);
    }
    if (out[i].buffer != nullptr) release(out[i].buffer);
    out[i].buffer = publish(std::move(result));
  }
}

keras_status launch(keras_kernel* kernel, void*, const keras_tensor* in, int32_t num_in, keras_tensor* out,
                    int32_t num_out) {
  return guarded([&] {
    const OnDevice here(kernel->device);
    Values results = kernel->run(operands_of(in, num_in));
    hand_out(results, out, num_out, num_out - kernel->residuals);
  });
}

void release_kernel(keras_kernel* kernel) { delete kernel; }

keras_status compile(int32_t device, const keras_graph* graph, keras_executable** out) {
  return guarded([&] {
    const OnDevice here(device);
    *out = new keras_executable(*graph);
    (*out)->device = device;
  });
}

keras_status execute(keras_executable* executable, void*, const keras_tensor* in, int32_t num_in,
                     keras_tensor* out, int32_t num_out) {
  return guarded([&] {
    const OnDevice here(executable->device);
    std::vector<char> writable(static_cast<size_t>(num_in), 0);
    for (size_t i = 0; i < writable.size(); ++i) {
      // One reference: that of the variable which an output replaces.
      writable[i] = executable->replaces(i) &&
                            in[i].buffer->references.load(std::memory_order_acquire) == 1 &&
                            is_spare(in[i].buffer->tensor)
                        ? 1
                        : 0;
    }
    Values results = executable->run(operands_of(in, num_in), writable);
    hand_out(results, out, num_out, num_out);
  });
}

void release_executable(keras_executable* executable) { delete executable; }

keras_status sync(void*) {
  return guarded([] { wait_for_devices(); });
}

void memory(int32_t device, keras_memory* out) {
  keras_memory now{};
  now.in_use = usage(device).now.load(std::memory_order_relaxed);
  now.reserved = now.in_use;  // ATen's CPU allocator gives memory back at once
  now.peak = usage(device).peak.load(std::memory_order_relaxed);
  const uint64_t known = std::min<uint64_t>(out->struct_size, sizeof(now));
  std::memcpy(static_cast<void*>(out), &now, known);
  out->struct_size = known;
}

const char* last_error() { return last_failure; }

}  // namespace
}  // namespace keras::aten

extern "C" __attribute__((visibility("default"))) int keras_backend_open(const keras_host*,
                                                                         keras_backend* table) {
  using namespace keras::aten;
  keras_backend full = {};
  full.struct_size = std::min<uint64_t>(table->struct_size, sizeof(full));
  full.interface_version = KERAS_BACKEND_INTERFACE;
  full.name = "torch";
  full.version = "LibTorch " TORCH_VERSION;
  full.device_count = device_count;
  full.device_name = device_name;
  full.dtype_usage = dtype_usage;
  full.upload = upload;
  full.import = import;
  full.export_view = export_view;
  full.download = download;
  full.retain = retain;
  full.free = release;
  full.device_of = device_of;
  full.prepare = prepare;
  full.launch = launch;
  full.release_kernel = release_kernel;
  full.compile = compile;
  full.execute = execute;
  full.release_executable = release_executable;
  full.sync = sync;
  full.memory = memory;
  full.last_error = last_error;
  full.copy = copy;
  full.set_profiler = set_profiler;
  std::memcpy(static_cast<void*>(table), &full, full.struct_size);
  return KERAS_OK;
}
