// SPDX-License-Identifier: Apache-2.0
#include "framework.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace keras::tensorflow {
namespace {

// Which failures say that the data are wrong, and not that the framework or this plug-in is.
bool speaks_of_data(std::string_view message) {
  for (const char* sign : {"is not in [", "does not index into", "Received a label value", "out of bounds",
                           "is not positive definite", "not invertible"}) {
    if (message.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

// TensorFlow says "indices[0] = 5 is not in [0, 2)".
std::string index_sentence(const std::string& message) {
  const size_t place = message.find("indices[");
  const size_t value = message.find("] = ", place);
  if (place == std::string::npos || value == std::string::npos) return message;
  return "index " + message.substr(value + 4) + ", at position " +
         message.substr(place + 7, value - place - 6);
}

// A ConfigProto with the number of threads within and between ops (fields 2 and 5), where the environment
// gives one.
std::string thread_config() {
  const char* given = std::getenv("OMP_NUM_THREADS");
  const int threads = given == nullptr ? 0 : std::atoi(given);
  if (threads < 1 || threads > 127) return {};
  const char count = static_cast<char>(threads);
  return {'\x10', count, '\x28', count};
}

TFE_Context* new_context() {
  const Owned<TFE_ContextOptions> options(TFE_NewContextOptions());
  const Status status;
  const std::string config = thread_config();
  if (!config.empty()) {
    TFE_ContextOptionsSetConfig(options.get(), config.data(), config.size(), status);
    status.check("TFE_ContextOptionsSetConfig");
  }
  TFE_Context* made = TFE_NewContext(options.get(), status);
  status.check("TFE_NewContext");
  return made;
}

struct Pair {
  int32_t keras;
  TF_DataType tensorflow;
};
constexpr Pair kTypes[] = {
    {KERAS_BOOL, TF_BOOL},      {KERAS_UINT8, TF_UINT8},        {KERAS_UINT16, TF_UINT16},
    {KERAS_UINT32, TF_UINT32},  {KERAS_UINT64, TF_UINT64},      {KERAS_INT8, TF_INT8},
    {KERAS_INT16, TF_INT16},    {KERAS_INT32, TF_INT32},        {KERAS_INT64, TF_INT64},
    {KERAS_FLOAT16, TF_HALF},   {KERAS_BFLOAT16, TF_BFLOAT16},  {KERAS_FLOAT32, TF_FLOAT},
    {KERAS_FLOAT64, TF_DOUBLE}, {KERAS_COMPLEX64, TF_COMPLEX64}};

}  // namespace

void Status::raise(const char* where) const {
  const TF_Code code = TF_GetCode(status_.get());
  keras_status kind = KERAS_ERROR_INTERNAL;
  if (code == TF_RESOURCE_EXHAUSTED) kind = KERAS_ERROR_MEMORY;
  if (speaks_of_data(message())) kind = KERAS_ERROR_VALUE;
  throw Failure(kind, std::string(where) + ": " + index_sentence(message()));
}

TFE_Context* context() {
  static TFE_Context* const made = new_context();
  return made;
}

TF_DataType tf_type(int32_t dtype) {
  for (const Pair& pair : kTypes) {
    if (pair.keras == dtype) return pair.tensorflow;
  }
  throw Failure(KERAS_ERROR_UNSUPPORTED,
                "TensorFlow knows no dtype with the number " + std::to_string(dtype));
}

int32_t keras_type(TF_DataType type) {
  for (const Pair& pair : kTypes) {
    if (pair.tensorflow == type) return pair.keras;
  }
  throw Failure(KERAS_ERROR_INTERNAL, "a result has TensorFlow's dtype number " + std::to_string(type));
}

bool is_float(int32_t dtype) { return dtype >= KERAS_FLOAT16 && dtype <= KERAS_FLOAT64; }
bool is_half(int32_t dtype) { return dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16; }
bool is_integer(int32_t dtype) { return dtype >= KERAS_UINT8 && dtype <= KERAS_INT64; }

Sizes sizes_of(const keras_desc& desc) { return {desc.shape, desc.shape + desc.rank}; }
Sizes ints(const keras_list& list) { return {list.v, list.v + list.count}; }

int64_t element_count(const Sizes& sizes) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return count;
}

void require_memory(const char* op, TF_DataType type, const Sizes& sizes) {
  static const double most =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  auto bytes = static_cast<double>(TF_DataTypeSize(type));
  std::string shape;
  for (const int64_t size : sizes) {
    bytes *= static_cast<double>(size);
    shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  }
  if (bytes <= most) return;
  char amount[64];
  std::snprintf(amount, sizeof(amount), "%.0f bytes (", bytes);
  throw Failure(KERAS_ERROR_MEMORY, std::string("out of memory: a result takes ") + amount + op +
                                        ") for its shape (" + shape + ")");
}

Handle share(TFE_TensorHandle* handle) { return {handle, Release()}; }

Handle make_handle(TF_DataType type, const Sizes& sizes, const void* data) {
  const size_t bytes = static_cast<size_t>(element_count(sizes)) * TF_DataTypeSize(type);
  const Owned<TF_Tensor> tensor(TF_AllocateTensor(type, sizes.data(), static_cast<int>(sizes.size()), bytes));
  if (tensor == nullptr) throw Failure(KERAS_ERROR_MEMORY, "out of memory");
  if (data != nullptr && bytes != 0) std::memcpy(TF_TensorData(tensor.get()), data, bytes);
  const Status status;
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor.get(), status);
  status.check("TFE_NewTensorHandle");
  return share(handle);
}

}  // namespace keras::tensorflow
