// SPDX-License-Identifier: Apache-2.0
#include "backends/native/harness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "backends/native/plugin.h"
#include "keras/tensor/half.h"

namespace keras::kernel_test {

namespace {

constexpr size_t kSizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};

template <class T>
void pack_as(const std::vector<double>& values, uint8_t* to) {
  for (size_t i = 0; i < values.size(); ++i) {
    T element;
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      element = T(static_cast<float>(values[i]));
    } else if constexpr (std::is_integral_v<T>) {
      element = static_cast<T>(static_cast<int64_t>(values[i]));  // negative numbers wrap in unsigned dtypes
    } else {
      element = static_cast<T>(values[i]);
    }
    std::memcpy(to + i * sizeof(T), &element, sizeof(T));
  }
}

template <class T>
void unpack_as(const uint8_t* from, std::vector<double>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T element;
    std::memcpy(&element, from + i * sizeof(T), sizeof(T));
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      values[i] = static_cast<double>(static_cast<float>(element));
    } else {
      values[i] = static_cast<double>(element);
    }
  }
}

// f is called with a null pointer of the dtype's element type; complex64 counts as pairs of floats.
template <class F>
void with_type(int32_t dtype, const F& f) {
  switch (dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return f(static_cast<uint8_t*>(nullptr));
    case KERAS_UINT16:
      return f(static_cast<uint16_t*>(nullptr));
    case KERAS_UINT32:
      return f(static_cast<uint32_t*>(nullptr));
    case KERAS_UINT64:
      return f(static_cast<uint64_t*>(nullptr));
    case KERAS_INT8:
      return f(static_cast<int8_t*>(nullptr));
    case KERAS_INT16:
      return f(static_cast<int16_t*>(nullptr));
    case KERAS_INT32:
      return f(static_cast<int32_t*>(nullptr));
    case KERAS_INT64:
      return f(static_cast<int64_t*>(nullptr));
    case KERAS_FLOAT16:
      return f(static_cast<Half*>(nullptr));
    case KERAS_BFLOAT16:
      return f(static_cast<BFloat16*>(nullptr));
    case KERAS_FLOAT64:
      return f(static_cast<double*>(nullptr));
    default:
      return f(static_cast<float*>(nullptr));
  }
}

std::vector<uint8_t> pack(const Array& array) {
  std::vector<uint8_t> bytes(static_cast<size_t>(array.size()) * kSizes[array.dtype]);
  with_type(array.dtype,
            [&](auto* type) { pack_as<std::remove_pointer_t<decltype(type)>>(array.values, bytes.data()); });
  return bytes;
}

void unpack(const std::vector<uint8_t>& bytes, Array& array) {
  with_type(array.dtype, [&](auto* type) {
    unpack_as<std::remove_pointer_t<decltype(type)>>(bytes.data(), array.values);
  });
}

keras_desc describe(const Array& array) {
  keras_desc desc{};
  desc.dtype = array.dtype;
  desc.rank = static_cast<int32_t>(array.shape.size());
  std::copy(array.shape.begin(), array.shape.end(), desc.shape);
  return desc;
}

std::shared_ptr<keras_buffer> own(keras_buffer* buffer) {
  return {buffer, [](keras_buffer* b) {
            if (b) backend().free(b);
          }};
}

void require(keras_status status) {
  if (status != KERAS_OK) throw std::runtime_error(backend().last_error());
}

}  // namespace

const keras_backend& backend() { return native_test::table(); }

Array::Array(int32_t type, std::vector<int64_t> extents) : dtype(type), shape(std::move(extents)) {
  values.resize(static_cast<size_t>(size()) * (dtype == KERAS_COMPLEX64 ? 2 : 1));
}

Array::Array(int32_t type, std::vector<int64_t> extents, std::vector<double> elements)
    : dtype(type), shape(std::move(extents)), values(std::move(elements)) {}

int64_t Array::size() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

Array rounded(Array array) {
  const std::vector<uint8_t> bytes = pack(array);
  unpack(bytes, array);
  return array;
}

Array cast(Array array, int32_t dtype) {
  array.dtype = dtype;
  return rounded(std::move(array));
}

Array random(int32_t dtype, std::vector<int64_t> shape, uint32_t seed, double low, double high) {
  Array array(dtype, std::move(shape));
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 0x1234567u;
  for (double& value : array.values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = low + (high - low) * static_cast<double>(state >> 40) / static_cast<double>(1 << 24);
    if (dtype < KERAS_FLOAT16) value = std::floor(value);
  }
  return rounded(std::move(array));
}

Tensor upload(const Array& array) {
  Tensor tensor;
  tensor.desc = describe(array);
  const std::vector<uint8_t> bytes = pack(array);
  keras_buffer* buffer = nullptr;
  require(backend().upload(0, &tensor.desc, bytes.data(), &buffer));
  tensor.buffer = own(buffer);
  return tensor;
}

Array download(const Tensor& tensor) {
  Array array(tensor.desc.dtype, {tensor.desc.shape, tensor.desc.shape + tensor.desc.rank});
  std::vector<uint8_t> bytes(static_cast<size_t>(array.size()) * kSizes[array.dtype]);
  require(backend().download(tensor.buffer.get(), &tensor.desc, bytes.data()));
  unpack(bytes, array);
  return array;
}

Outcome run_raw(const char* name, const void* attributes, uint64_t attributes_size,
                const std::vector<Tensor>& inputs, const std::vector<Array>& outputs, bool wants_residuals) {
  std::vector<keras_desc> in_descs, out_descs;
  std::vector<keras_tensor> in, out;
  for (const Tensor& input : inputs) {
    in_descs.push_back(input.desc);
    in.push_back({input.buffer.get(), input.desc});
  }
  for (const Array& output : outputs) {
    out_descs.push_back(describe(output));
    out.push_back({nullptr, out_descs.back()});
  }
  keras_op op{};
  op.struct_size = sizeof(op);
  op.name = name;
  op.attributes = attributes;
  op.attributes_size = attributes_size;
  op.num_inputs = static_cast<int32_t>(in.size());
  op.num_outputs = static_cast<int32_t>(out.size());
  op.inputs = in_descs.data();
  op.outputs = out_descs.data();
  op.wants_residuals = wants_residuals ? 1 : 0;
  keras_prepared prepared{};
  prepared.struct_size = sizeof(prepared);
  Outcome outcome;
  outcome.status = backend().prepare(0, &op, &prepared);
  if (outcome.status != KERAS_OK) {
    outcome.message = backend().last_error();
    return outcome;
  }
  outcome.verdict = prepared.verdict;
  outcome.message = prepared.reason;
  if (prepared.verdict != KERAS_NATIVE) return outcome;
  out.resize(out.size() + static_cast<size_t>(prepared.num_residuals), keras_tensor{});
  outcome.status = backend().launch(prepared.kernel, nullptr, in.data(), static_cast<int32_t>(in.size()),
                                    out.data(), static_cast<int32_t>(out.size()));
  if (outcome.status != KERAS_OK) outcome.message = backend().last_error();
  backend().release_kernel(prepared.kernel);
  if (outcome.status != KERAS_OK) return outcome;
  for (size_t i = 0; i < out.size(); ++i) {
    (i < outputs.size() ? outcome.outputs : outcome.residuals).push_back({own(out[i].buffer), out[i].desc});
  }
  return outcome;
}

keras_list list(std::initializer_list<int64_t> values) { return list(std::vector<int64_t>(values)); }

keras_list list(const std::vector<int64_t>& values) {
  keras_list result{};
  result.count = static_cast<int64_t>(values.size());
  std::copy(values.begin(), values.end(), result.v);
  return result;
}

void expect_near(const Array& actual, const Array& expected, double relative, double absolute,
                 const std::string& what) {
  ASSERT_EQ(actual.shape, expected.shape) << what;
  ASSERT_EQ(actual.values.size(), expected.values.size()) << what;
  for (size_t i = 0; i < actual.values.size(); ++i) {
    const double a = actual.values[i], e = expected.values[i];
    if (std::isnan(e) ? std::isnan(a) : a == e) continue;
    ASSERT_LE(std::abs(a - e), absolute + relative * std::abs(e))
        << what << ": element " << i << " is " << a << ", expected " << e;
  }
}

double tolerance(int32_t dtype) {
  switch (dtype) {
    case KERAS_FLOAT64:
      return 1e-12;
    case KERAS_FLOAT32:
      return 1e-5;
    case KERAS_FLOAT16:
      return 2e-3;
    case KERAS_BFLOAT16:
      return 1.6e-2;
    case KERAS_COMPLEX64:
      return 1e-5;
    default:
      return 0;
  }
}

double dot(const Array& a, const Array& b) {
  double sum = 0;
  for (size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

void expect_gradient(const std::function<double(const Array&)>& f, const Array& x, const Array& gradient,
                     const std::string& what, double step, double tolerance) {
  ASSERT_EQ(x.values.size(), gradient.values.size()) << what;
  const size_t stride = std::max<size_t>(1, x.values.size() / 37);
  for (size_t i = 0; i < x.values.size(); i += stride) {
    Array plus = x, minus = x;
    plus.values[i] += step;
    minus.values[i] -= step;
    const double expected = (f(plus) - f(minus)) / (2 * step);
    ASSERT_NEAR(gradient.values[i], expected, tolerance * std::max(1.0, std::abs(expected)))
        << what << ": element " << i;
  }
}

}  // namespace keras::kernel_test
