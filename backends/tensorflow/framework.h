// SPDX-License-Identifier: Apache-2.0
// TensorFlow's C API behind owners and exceptions.
#pragma once

#include <tensorflow/c/c_api.h>
#include <tensorflow/c/eager/c_api.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "keras/runtime/backend_api.h"

namespace keras::tensorflow {

/// What an entry of the table throws; becomes a status code and last_error() at the border.
class Failure : public std::runtime_error {
 public:
  Failure(keras_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  keras_status status() const { return status_; }

 private:
  keras_status status_;
};

struct Release {
  void operator()(TF_Status* p) const { TF_DeleteStatus(p); }
  void operator()(TF_Tensor* p) const { TF_DeleteTensor(p); }
  void operator()(TF_Graph* p) const { TF_DeleteGraph(p); }
  void operator()(TF_Buffer* p) const { TF_DeleteBuffer(p); }
  void operator()(TF_Function* p) const { TF_DeleteFunction(p); }
  void operator()(TFE_Op* p) const { TFE_DeleteOp(p); }
  void operator()(TFE_TensorHandle* p) const { TFE_DeleteTensorHandle(p); }
  void operator()(TFE_ContextOptions* p) const { TFE_DeleteContextOptions(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;
using Handle = std::shared_ptr<TFE_TensorHandle>;

/// A status to hand to a call of the framework, and to check after it.
class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  operator TF_Status*() const { return status_.get(); }  // NOLINT: goes into every call
  bool ok() const { return TF_GetCode(status_.get()) == TF_OK; }
  const char* message() const { return TF_Message(status_.get()); }
  /// Throws a Failure with what the framework says about `where`.
  void check(const char* where) const {
    if (!ok()) raise(where);
  }

 private:
  [[noreturn]] void raise(const char* where) const;
  Owned<TF_Status> status_;
};

/// The eager context, made at the first use. It lives as long as the process: ending it at exit would wait
/// for threads that may be gone by then.
TFE_Context* context();

/// TensorFlow's number of a dtype, and back.
TF_DataType tf_type(int32_t dtype);
int32_t keras_type(TF_DataType type);

bool is_float(int32_t dtype);    ///< float16 to float64
bool is_half(int32_t dtype);     ///< float16, bfloat16
bool is_integer(int32_t dtype);  ///< without bool

using Sizes = std::vector<int64_t>;
Sizes sizes_of(const keras_desc& desc);
Sizes ints(const keras_list& list);
int64_t element_count(const Sizes& sizes);

/// A handle of new memory with the elements of a dense array (null: whatever was there).
Handle make_handle(TF_DataType type, const Sizes& sizes, const void* data);
Handle share(TFE_TensorHandle* handle);

/// Throws where a tensor is larger than all memory: TensorFlow would wait ten seconds for somebody to free
/// some.
void require_memory(const char* op, TF_DataType type, const Sizes& sizes);

/// True where the op has a CPU kernel for the node's dtypes.
bool has_kernel(TF_Operation* node);

}  // namespace keras::tensorflow
