// SPDX-License-Identifier: Apache-2.0
// The table that libkeras opens: status codes and C structs outside, exceptions and Values inside.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>

#include "graph.h"

/// What the host holds a reference to.
struct keras_buffer {
  keras_buffer(keras::tensorflow::Handle value, uint64_t size) : handle(std::move(value)), bytes(size) {}
  std::atomic<int32_t> references{1};
  keras::tensorflow::Handle handle;
  uint64_t bytes;
  std::mutex guard;
  keras::tensorflow::Owned<TF_Tensor> exported;  // holds the memory that export_view showed
};

struct keras_kernel {
  std::shared_ptr<const keras::tensorflow::Kernel> kernel;
};

namespace keras::tensorflow {
namespace {

thread_local char last_failure[2048] = "";
std::atomic<uint64_t> bytes_in_use{0};
std::atomic<uint64_t> bytes_peak{0};

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

uint64_t bytes_of(const keras_desc& desc) {
  return static_cast<uint64_t>(element_count(sizes_of(desc))) * TF_DataTypeSize(tf_type(desc.dtype));
}

keras_buffer* publish(Handle handle, const keras_desc& desc) {
  const uint64_t bytes = bytes_of(desc);
  const uint64_t now = bytes_in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  uint64_t peak = bytes_peak.load(std::memory_order_relaxed);
  while (now > peak && !bytes_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return new keras_buffer(std::move(handle), bytes);
}

int32_t device_count() { return 1; }
const char* device_name(int32_t) { return "cpu:0"; }

uint32_t dtype_usage(int32_t, int32_t dtype) {
  if (dtype < KERAS_BOOL || dtype > KERAS_COMPLEX64) return 0;
  return dtype == KERAS_FLOAT32 || dtype == KERAS_FLOAT64 ? 7 : 3;
}

keras_status upload(int32_t, const keras_desc* desc, const void* data, keras_buffer** out) {
  return guarded([&] { *out = publish(make_handle(tf_type(desc->dtype), sizes_of(*desc), data), *desc); });
}

struct Imported {
  keras_deleter deleter;
  void* context;
};

void let_go(void*, size_t, void* argument) {
  const std::unique_ptr<Imported> imported(static_cast<Imported*>(argument));
  if (imported->deleter != nullptr) imported->deleter(imported->context);
}

keras_status import(int32_t, const keras_desc* desc, const void* data, keras_deleter deleter, void* context,
                    keras_buffer** out) {
  // TensorFlow copies memory that is aligned for less than its vectors.
  if (reinterpret_cast<uintptr_t>(data) % TF_TensorDefaultAlignment() != 0) {
    return report(KERAS_ERROR_UNSUPPORTED, "TensorFlow reads aligned memory only");
  }
  return guarded([&] {
    auto imported = std::make_unique<Imported>(Imported{deleter, context});
    const Sizes sizes = sizes_of(*desc);
    // Ops never write to a tensor that somebody else holds, so that memory which must not change is safe
    // here.
    const Owned<TF_Tensor> tensor(TF_NewTensor(tf_type(desc->dtype), sizes.data(),
                                               static_cast<int>(sizes.size()), const_cast<void*>(data),
                                               bytes_of(*desc), let_go, imported.release()));
    const Status status;
    TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor.get(), status);
    status.check("TFE_NewTensorHandle");
    *out = publish(share(handle), *desc);
  });
}

Owned<TF_Tensor> tensor_of(const keras_buffer& buffer) {
  const Status status;
  Owned<TF_Tensor> tensor(TFE_TensorHandleResolve(buffer.handle.get(), status));
  status.check("TFE_TensorHandleResolve");
  return tensor;
}

keras_status export_view(keras_buffer* buffer, const keras_desc* desc, keras_view* out) {
  return guarded([&] {
    const std::lock_guard lock(buffer->guard);
    if (buffer->exported == nullptr) buffer->exported = tensor_of(*buffer);
    *out = {};
    out->data = TF_TensorData(buffer->exported.get());
    out->device_type = 1;
    int64_t stride = 1;
    for (int axis = desc->rank - 1; axis >= 0; --axis) {
      out->strides[axis] = stride;
      stride *= desc->shape[axis];
    }
  });
}

keras_status download(keras_buffer* buffer, const keras_desc*, void* data) {
  return guarded([&] {
    const Owned<TF_Tensor> tensor = tensor_of(*buffer);
    const size_t bytes = TF_TensorByteSize(tensor.get());
    if (bytes != 0) std::memcpy(data, TF_TensorData(tensor.get()), bytes);
  });
}

void retain(keras_buffer* buffer) { buffer->references.fetch_add(1, std::memory_order_relaxed); }

void release(keras_buffer* buffer) {
  if (buffer->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  bytes_in_use.fetch_sub(buffer->bytes, std::memory_order_relaxed);
  delete buffer;
}

int32_t device_of(keras_buffer*) { return 0; }

keras_status prepare(int32_t, const keras_op* op, keras_prepared* out) {
  return guarded([&] {
    std::string reason;
    std::shared_ptr<const Kernel> kernel;
    try {
      kernel = make_kernel(*op, reason);
      if (kernel != nullptr) probe(*kernel, *op);
    } catch (const Failure& failure) {
      kernel = nullptr;
      reason = failure.what();
    }
    out->verdict = kernel != nullptr ? KERAS_NATIVE : KERAS_COMPOSED;
    out->num_residuals = kernel != nullptr ? kernel->residuals : 0;
    reason.resize(std::min(reason.size(), sizeof(out->reason) - 1));
    std::memcpy(out->reason, reason.c_str(), reason.size() + 1);
    out->kernel = kernel != nullptr ? new keras_kernel{std::move(kernel)} : nullptr;
  });
}

Values operands_of(const keras_tensor* in, int32_t count) {
  Values operands(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) operands[static_cast<size_t>(i)].handle = in[i].buffer->handle;
  return operands;
}

// Puts results into their slots. Donated memory is let go of: TensorFlow allocates.
void hand_out(Values& results, keras_tensor* out, int32_t count, int32_t own) {
  if (results.size() != static_cast<size_t>(count)) {
    throw Failure(KERAS_ERROR_INTERNAL, "the kernel gave another number of results than was prepared");
  }
  for (int32_t i = 0; i < count; ++i) {
    const Value& result = results[static_cast<size_t>(i)];
    if (i >= own) {
      const Sizes sizes = eager().sizes(result);
      out[i].desc = {};
      out[i].desc.dtype = keras_type(eager().type(result));
      out[i].desc.rank = static_cast<int32_t>(sizes.size());
      std::copy(sizes.begin(), sizes.end(), out[i].desc.shape);
    }
    if (out[i].buffer != nullptr) release(out[i].buffer);
    out[i].buffer = nullptr;
    out[i].buffer = publish(result.handle, out[i].desc);
  }
}

keras_status launch(keras_kernel* kernel, void*, const keras_tensor* in, int32_t num_in, keras_tensor* out,
                    int32_t num_out) {
  return guarded([&] {
    const Kernel& prepared = *kernel->kernel;
    for (const TypedSizes& r : prepared.results) require_memory(prepared.name.c_str(), r.type, r.sizes);
    Values results = prepared.write(eager(), operands_of(in, num_in));
    hand_out(results, out, num_out, num_out - prepared.residuals);
  });
}

void release_kernel(keras_kernel* kernel) { delete kernel; }

keras_status compile(int32_t, const keras_graph* graph, keras_executable** out) {
  return guarded([&] { *out = new keras_executable(*graph); });
}

keras_status execute(keras_executable* executable, void*, const keras_tensor* in, int32_t num_in,
                     keras_tensor* out, int32_t num_out) {
  return guarded([&] {
    Values results = executable->run(operands_of(in, num_in));
    hand_out(results, out, num_out, num_out);
  });
}

void release_executable(keras_executable* executable) { delete executable; }

keras_status sync(void*) { return KERAS_OK; }

void memory(int32_t, keras_memory* out) {
  keras_memory now{};
  now.in_use = bytes_in_use.load(std::memory_order_relaxed);
  now.reserved = now.in_use;  // what TensorFlow's allocator keeps is not known
  now.peak = bytes_peak.load(std::memory_order_relaxed);
  const uint64_t known = std::min<uint64_t>(out->struct_size, sizeof(now));
  std::memcpy(static_cast<void*>(out), &now, known);
  out->struct_size = known;
}

const char* last_error() { return last_failure; }

}  // namespace
}  // namespace keras::tensorflow

extern "C" __attribute__((visibility("default"))) int keras_backend_open(const keras_host*,
                                                                         keras_backend* table) {
  using namespace keras::tensorflow;
  static const std::string version = std::string("TensorFlow ") + TF_Version();
  keras_backend full = {};
  full.struct_size = std::min<uint64_t>(table->struct_size, sizeof(full));
  full.interface_version = KERAS_BACKEND_INTERFACE;
  full.name = "tensorflow";
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
  std::memcpy(static_cast<void*>(table), &full, full.struct_size);
  return KERAS_OK;
}
