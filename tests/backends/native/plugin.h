// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <complex>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "keras/runtime/backend_api.h"
#include "keras/tensor/half.h"

/// Opens the native plug-in and runs ops on host arrays through its C table.
namespace keras::native_test {

using Shape = std::vector<int64_t>;

template <class T>
constexpr int32_t dtype_of();
template <>
constexpr int32_t dtype_of<bool>() {
  return KERAS_BOOL;
}
template <>
constexpr int32_t dtype_of<uint8_t>() {
  return KERAS_UINT8;
}
template <>
constexpr int32_t dtype_of<uint16_t>() {
  return KERAS_UINT16;
}
template <>
constexpr int32_t dtype_of<uint32_t>() {
  return KERAS_UINT32;
}
template <>
constexpr int32_t dtype_of<uint64_t>() {
  return KERAS_UINT64;
}
template <>
constexpr int32_t dtype_of<int8_t>() {
  return KERAS_INT8;
}
template <>
constexpr int32_t dtype_of<int16_t>() {
  return KERAS_INT16;
}
template <>
constexpr int32_t dtype_of<int32_t>() {
  return KERAS_INT32;
}
template <>
constexpr int32_t dtype_of<int64_t>() {
  return KERAS_INT64;
}
template <>
constexpr int32_t dtype_of<Half>() {
  return KERAS_FLOAT16;
}
template <>
constexpr int32_t dtype_of<BFloat16>() {
  return KERAS_BFLOAT16;
}
template <>
constexpr int32_t dtype_of<float>() {
  return KERAS_FLOAT32;
}
template <>
constexpr int32_t dtype_of<double>() {
  return KERAS_FLOAT64;
}
template <>
constexpr int32_t dtype_of<std::complex<float>>() {
  return KERAS_COMPLEX64;
}

/// A host array.
struct Array {
  keras_desc desc{};
  std::vector<char> bytes;

  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(bytes.data());
  }
  int64_t count() const;
  template <class T>
  std::vector<T> values() const {
    return std::vector<T>(data<T>(), data<T>() + count());
  }
};

int64_t count_of(const Shape& shape);
keras_desc make_desc(int32_t dtype, const Shape& shape);
Array empty(int32_t dtype, const Shape& shape);

template <class T>
Array array(const Shape& shape, const std::vector<T>& values) {
  Array result = empty(dtype_of<T>(), shape);
  for (size_t i = 0; i < values.size(); ++i) result.data<T>()[i] = values[i];
  return result;
}
/// Numbers drawn evenly from [low, high), or integers of that range.
template <class T>
Array uniform(const Shape& shape, double low, double high, unsigned seed = 7) {
  Array result = empty(dtype_of<T>(), shape);
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> draw(low, high);
  for (int64_t i = 0; i < result.count(); ++i)
    result.data<T>()[i] = static_cast<T>(static_cast<float>(draw(engine)));
  return result;
}
/// All elements as double (of complex numbers the real parts).
std::vector<double> as_double(const Array& a);

/// The opened table.
const keras_backend& table();
keras_buffer* upload(const Array& a);
Array download(keras_buffer* buffer, const keras_desc& desc);

/// A prepared op; throws std::runtime_error with the reason when it is not native.
class Prepared {
 public:
  Prepared(const char* op, const void* attributes, uint64_t size, const std::vector<keras_desc>& in,
           const std::vector<keras_desc>& out);
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  keras_kernel* kernel() const { return kernel_; }

 private:
  keras_kernel* kernel_ = nullptr;
};

/// Runs an op; throws std::runtime_error with last_error() when it fails. `donated` >= 0 gives that operand's
/// memory to the first result.
std::vector<Array> run_raw(const char* op, const void* attributes, uint64_t size,
                           const std::vector<Array>& in, const std::vector<keras_desc>& out,
                           int donated = -1);

template <class A>
std::vector<Array> run(const char* op, A attributes, const std::vector<Array>& in,
                       const std::vector<keras_desc>& out, int donated = -1) {
  attributes.struct_size = sizeof(A);
  return run_raw(op, &attributes, sizeof(A), in, out, donated);
}
inline std::vector<Array> run(const char* op, const std::vector<Array>& in,
                              const std::vector<keras_desc>& out, int donated = -1) {
  return run(op, NoAttributes{}, in, out, donated);
}

keras_list list(const Shape& values);
/// NumPy's broadcasting of shapes that fit.
Shape broadcast(const Shape& a, const Shape& b);
/// The flat index into an operand of a broadcast result's flat index.
int64_t broadcast_index(int64_t index, const Shape& result, const Shape& operand);
Shape shape_of(const keras_desc& desc);

}  // namespace keras::native_test
