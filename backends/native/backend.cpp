// SPDX-License-Identifier: Apache-2.0
#include <dnnl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "allocator.h"
#include "graph.h"
#include "kernel.h"
#include "parallel.h"
#include "profile.h"
#include "registry.h"

// The table that libkeras opens: status codes and C structs outside, exceptions and kernels inside.
namespace keras::native {

int64_t element_count(const keras_desc& desc) {
  int64_t count = 1;
  for (int i = 0; i < desc.rank; ++i) count *= desc.shape[i];
  return count;
}

size_t dtype_size(int32_t dtype) {
  static constexpr uint8_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};
  return sizes[dtype];
}

size_t byte_size(const keras_desc& desc) {
  return static_cast<size_t>(element_count(desc)) * dtype_size(desc.dtype);
}

void* output(keras_tensor& slot) {
  if (slot.buffer == nullptr) slot.buffer = allocate(byte_size(slot.desc));
  return slot.buffer->data;
}

namespace {

// The sentence of the last failure on this thread; a fixed array, so that telling "out of memory" needs none.
thread_local char last_failure[1024] = "";

keras_status report(keras_status status, const char* sentence) {
  std::strncpy(last_failure, sentence, sizeof(last_failure) - 1);
  return status;
}

// Runs an entry of the table and turns what it throws into a status.
template <class Entry>
keras_status guarded(const Entry& entry) noexcept {
  try {
    entry();
    return KERAS_OK;
  } catch (const Failure& failure) {
    return report(failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(KERAS_ERROR_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return report(KERAS_ERROR_INTERNAL, error.what());
  } catch (...) {
    return report(KERAS_ERROR_INTERNAL, "unknown exception");
  }
}

int32_t device_count() { return 1; }
const char* device_name(int32_t) { return "cpu:0"; }

uint32_t dtype_usage(int32_t, int32_t dtype) {
  if (dtype < KERAS_BOOL || dtype > KERAS_COMPLEX64) return 0;
  return dtype == KERAS_FLOAT32 || dtype == KERAS_FLOAT64 ? 7 : 3;
}

keras_status upload(int32_t, const keras_desc* desc, const void* data, keras_buffer** out) {
  return guarded([&] {
    const size_t bytes = byte_size(*desc);
    *out = allocate(bytes);
    if (data != nullptr && bytes != 0) std::memcpy((*out)->data, data, bytes);
  });
}

keras_status import(int32_t, const keras_desc* desc, const void* data, keras_deleter deleter, void* context,
                    keras_buffer** out) {
  // Kernels count on the alignment of elements, and vector loops run faster on that of cache lines.
  if (reinterpret_cast<uintptr_t>(data) % 64 != 0) {
    return report(KERAS_ERROR_UNSUPPORTED, "imported memory must be aligned to 64 bytes");
  }
  return guarded([&] { *out = wrap(data, byte_size(*desc), deleter, context); });
}

keras_status export_view(keras_buffer* buffer, const keras_desc* desc, keras_view* out) {
  *out = {};
  out->data = buffer->data;
  out->device_type = 1;
  int64_t stride = 1;
  for (int i = desc->rank - 1; i >= 0; --i) {
    out->strides[i] = stride;
    stride *= desc->shape[i];
  }
  return KERAS_OK;
}

keras_status download(keras_buffer* buffer, const keras_desc* desc, void* data) {
  if (const size_t bytes = byte_size(*desc); bytes != 0) std::memcpy(data, buffer->data, bytes);
  return KERAS_OK;
}

int32_t device_of(keras_buffer*) { return 0; }

keras_status prepare(int32_t, const keras_op* op, keras_prepared* out) {
  return guarded([&] {
    std::string reason;
    auto kernel = make_kernel(*op, reason);
    out->verdict = kernel ? KERAS_NATIVE : KERAS_COMPOSED;
    out->num_residuals = kernel ? kernel->residuals : 0;
    reason.resize(std::min(reason.size(), sizeof(out->reason) - 1));
    std::memcpy(out->reason, reason.c_str(), reason.size() + 1);
    out->kernel = kernel.release();
  });
}

keras_status launch(keras_kernel* kernel, void*, const keras_tensor* in, int32_t num_in, keras_tensor* out,
                    int32_t num_out) {
  return guarded([&] { run_kernel(*kernel, in, num_in, out, num_out); });
}

void release_kernel(keras_kernel* kernel) { delete kernel; }

keras_status compile(int32_t, const keras_graph* graph, keras_executable** out) {
  return guarded([&] { *out = compile_graph(*graph).release(); });
}

keras_status execute(keras_executable* executable, void*, const keras_tensor* in, int32_t num_in,
                     keras_tensor* out, int32_t num_out) {
  return guarded([&] { executable->execute(in, num_in, out, num_out); });
}

void release_executable(keras_executable* executable) { delete executable; }

keras_status sync(void*) { return KERAS_OK; }

void memory(int32_t, keras_memory* out) {
  const keras_memory now = memory_statistics();
  const uint64_t known = std::min<uint64_t>(out->struct_size, sizeof(now));
  std::memcpy(static_cast<void*>(out), &now, known);
  out->struct_size = known;
}

const char* last_error() { return last_failure; }

}  // namespace
}  // namespace keras::native

extern "C" __attribute__((visibility("default"))) int keras_backend_open(const keras_host*,
                                                                         keras_backend* table) {
  using namespace keras::native;
  static const std::string version = [] {
    const dnnl_version_t* dnnl = dnnl_version();
    return "oneDNN " + std::to_string(dnnl->major) + "." + std::to_string(dnnl->minor) + "." +
           std::to_string(dnnl->patch);
  }();
  keras_backend full = {};
  full.struct_size = std::min<uint64_t>(table->struct_size, sizeof(full));
  full.interface_version = KERAS_BACKEND_INTERFACE;
  full.name = "native";
  full.version = version.c_str();
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
  full.enter_run = enter_run;
  full.leave_run = leave_run;
  full.set_profiler = set_profiler;
  std::memcpy(static_cast<void*>(table), &full, full.struct_size);
  return KERAS_OK;
}
