// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "keras/runtime/backend_api.h"

/// Reference-counted host memory, 64-byte aligned, from the caching allocator (or the caller's, imported).
struct keras_buffer {
  std::atomic<int32_t> references{1};
  void* data = nullptr;
  size_t bytes = 0;
  int block_class = 0;              // of the memory it lies in; that may be larger than it needs
  bool imported = false;            // the caller's memory, never written
  keras_deleter deleter = nullptr;  // of imported memory
  void* context = nullptr;
  uint64_t content = 0;  // a number that no other content of any buffer ever had
};

/// A prepared op of the native backend. `run` may be called from several threads at once: a kernel keeps
/// nothing of a call in itself.
struct keras_kernel {
  virtual ~keras_kernel() = default;
  /// Throws native::Failure. Outputs with a null buffer are allocated with native::output().
  virtual void run(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const = 0;
  int residuals = 0;
  /// True when a result may stand in the memory of an operand with as many elements of the same width: what
  /// is written at one place is read by nothing that comes after. Donated memory is seen by the kernel only
  /// then.
  virtual bool may_overwrite([[maybe_unused]] int input, [[maybe_unused]] int output) const { return false; }
  /// The operand whose memory the result is, elements and all (a reshape), or -1.
  virtual int shared_operand([[maybe_unused]] int output) const { return -1; }
  /// Dtype and shape of a residual, counted from 0; false where they are not known before the call.
  virtual bool residual_desc([[maybe_unused]] int index, [[maybe_unused]] keras_desc& desc) const {
    return false;
  }
  /// Takes the memory that one more run at the same time will need (regions).
  virtual void reserve() const {}

  /// Weights that the kernel would rather have in another layout: bit i for operand i, 0 for none. A graph
  /// packs them once for as long as they do not change.
  virtual uint32_t packed_operands() const { return 0; }
  /// Bytes of the packed copy.
  virtual size_t packed_bytes() const { return 0; }
  /// Writes the packed copy; only the packed operands may be read.
  virtual void pack([[maybe_unused]] const keras_tensor* in, [[maybe_unused]] void* packed) const {}
  /// As run(), with the packed copy of these operands. The same results, bit by bit, are not promised.
  virtual void run_packed(const keras_tensor* in, int num_in, keras_tensor* out, int num_out,
                          [[maybe_unused]] const void* packed) const {
    run(in, num_in, out, num_out);
  }
};

namespace keras::native {

/// What a kernel throws; becomes a status code and last_error() at the border.
class Failure : public std::runtime_error {
 public:
  Failure(keras_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  keras_status status() const { return status_; }

 private:
  keras_status status_;
};

/// Makes the kernel of an op, or gives null with the reason why it is not native for these operands.
using KernelFactory = std::unique_ptr<keras_kernel> (*)(const keras_op& op, std::string& reason);

/// Registers a factory. An op may have several: higher priority is asked first (oneDNN 10, own loops 0).
bool register_kernel(const char* op, KernelFactory factory, int priority = 0);

/// Memory of an output slot: a donated buffer as it is, fresh memory of the descriptor's size otherwise.
void* output(keras_tensor& slot);
template <class T>
T* output_as(keras_tensor& slot) {
  return static_cast<T*>(output(slot));
}
template <class T>
const T* input_as(const keras_tensor& tensor) {
  return static_cast<const T*>(tensor.buffer->data);
}

int64_t element_count(const keras_desc& desc);
size_t dtype_size(int32_t dtype);
size_t byte_size(const keras_desc& desc);
template <class A>
const A& attributes(const keras_op& op) {
  return *static_cast<const A*>(op.attributes);
}

/// Scratch memory from the caching allocator, given back at the end of the scope.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(buffer_->data);
  }

 private:
  keras_buffer* buffer_;
};

/// Fresh reference-counted memory from the caching allocator. Throws Failure(KERAS_ERROR_MEMORY).
keras_buffer* allocate(size_t bytes);
void retain(keras_buffer* buffer);
void release(keras_buffer* buffer);
/// Says that the buffer's elements become others.
void renew_content(keras_buffer* buffer);

/// Runs body(begin, end) over [0, count) on the threads of the one pool; `grain` is the least worth a thread
/// (elements of light work: 16384). Nested calls run serially. Exceptions of the body come out of the call.
void parallel_for(int64_t count, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end),
                  void* context);
template <class F>
void parallel_for(int64_t count, int64_t grain, const F& body) {
  parallel_for(
      count, grain,
      [](void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
      const_cast<F*>(&body));
}
/// Threads that parallel_for may use.
int thread_count();

}  // namespace keras::native
