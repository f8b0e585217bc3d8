// SPDX-License-Identifier: Apache-2.0
#include "backends/native/plugin.h"
#include "checkout.h"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>

namespace keras::native_test {
namespace {

constexpr size_t kSizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};

void check(keras_status status) {
  if (status != KERAS_OK) throw std::runtime_error(table().last_error());
}

}  // namespace

int64_t count_of(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

int64_t Array::count() const { return count_of(shape_of(desc)); }

Shape shape_of(const keras_desc& desc) { return Shape(desc.shape, desc.shape + desc.rank); }

keras_desc make_desc(int32_t dtype, const Shape& shape) {
  keras_desc desc{};
  desc.dtype = dtype;
  desc.rank = static_cast<int32_t>(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) desc.shape[i] = shape[i];
  return desc;
}

Array empty(int32_t dtype, const Shape& shape) {
  Array result;
  result.desc = make_desc(dtype, shape);
  result.bytes.resize(static_cast<size_t>(count_of(shape)) * kSizes[dtype]);
  return result;
}

std::vector<double> as_double(const Array& a) {
  std::vector<double> result;
  for (int64_t i = 0; i < a.count(); ++i) {
    switch (a.desc.dtype) {
      case KERAS_BOOL:
      case KERAS_UINT8:
        result.push_back(a.data<uint8_t>()[i]);
        break;
      case KERAS_UINT16:
        result.push_back(a.data<uint16_t>()[i]);
        break;
      case KERAS_UINT32:
        result.push_back(a.data<uint32_t>()[i]);
        break;
      case KERAS_UINT64:
        result.push_back(static_cast<double>(a.data<uint64_t>()[i]));
        break;
      case KERAS_INT8:
        result.push_back(a.data<int8_t>()[i]);
        break;
      case KERAS_INT16:
        result.push_back(a.data<int16_t>()[i]);
        break;
      case KERAS_INT32:
        result.push_back(a.data<int32_t>()[i]);
        break;
      case KERAS_INT64:
        result.push_back(static_cast<double>(a.data<int64_t>()[i]));
        break;
      case KERAS_FLOAT16:
        result.push_back(static_cast<float>(a.data<Half>()[i]));
        break;
      case KERAS_BFLOAT16:
        result.push_back(static_cast<float>(a.data<BFloat16>()[i]));
        break;
      case KERAS_FLOAT32:
        result.push_back(a.data<float>()[i]);
        break;
      case KERAS_FLOAT64:
        result.push_back(a.data<double>()[i]);
        break;
      default:
        result.push_back(a.data<std::complex<float>>()[i].real());
    }
  }
  return result;
}

const keras_backend& table() {
  static const keras_backend opened = [] {
    setenv("GOMP_SPINCOUNT", "3000", 0);
    const std::string file = checkout::build_path("lib/libkeras_native.so");
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    using Open = int (*)(const keras_host*, keras_backend*);
    const auto open = reinterpret_cast<Open>(dlsym(library, "keras_backend_open"));
    const keras_host host{sizeof(keras_host), KERAS_BACKEND_INTERFACE, nullptr};
    keras_backend result{};
    result.struct_size = sizeof(result);
    if (open == nullptr || open(&host, &result) != KERAS_OK)
      throw std::runtime_error("the plug-in does not open");
    return result;
  }();
  return opened;
}

keras_buffer* upload(const Array& a) {
  keras_buffer* buffer = nullptr;
  check(table().upload(0, &a.desc, a.bytes.data(), &buffer));
  return buffer;
}

Array download(keras_buffer* buffer, const keras_desc& desc) {
  Array result;
  result.desc = desc;
  result.bytes.resize(static_cast<size_t>(result.count()) * kSizes[desc.dtype]);
  check(table().download(buffer, &desc, result.bytes.data()));
  return result;
}

Prepared::Prepared(const char* op, const void* attributes, uint64_t size, const std::vector<keras_desc>& in,
                   const std::vector<keras_desc>& out) {
  keras_op record{};
  record.struct_size = sizeof(record);
  record.name = op;
  record.attributes = attributes;
  record.attributes_size = size;
  record.num_inputs = static_cast<int32_t>(in.size());
  record.num_outputs = static_cast<int32_t>(out.size());
  record.inputs = in.data();
  record.outputs = out.data();
  keras_prepared prepared{};
  prepared.struct_size = sizeof(prepared);
  check(table().prepare(0, &record, &prepared));
  if (prepared.verdict != KERAS_NATIVE) throw std::runtime_error(std::string(op) + ": " + prepared.reason);
  kernel_ = prepared.kernel;
}

Prepared::~Prepared() { table().release_kernel(kernel_); }

std::vector<Array> run_raw(const char* op, const void* attributes, uint64_t size,
                           const std::vector<Array>& in, const std::vector<keras_desc>& out, int donated) {
  std::vector<keras_desc> descs;
  for (const Array& a : in) descs.push_back(a.desc);
  const Prepared prepared(op, attributes, size, descs, out);  // throws, so before the uploads
  std::vector<keras_tensor> operands;
  for (const Array& a : in) operands.push_back({upload(a), a.desc});
  std::vector<keras_tensor> results;
  for (const keras_desc& desc : out) results.push_back({nullptr, desc});
  if (donated >= 0) {
    results[0].buffer = operands[static_cast<size_t>(donated)].buffer;
    table().retain(results[0].buffer);
  }
  const keras_status status =
      table().launch(prepared.kernel(), nullptr, operands.data(), static_cast<int32_t>(operands.size()),
                     results.data(), static_cast<int32_t>(results.size()));
  std::vector<Array> arrays;
  for (const keras_tensor& result : results) {
    if (result.buffer == nullptr) continue;
    if (status == KERAS_OK) arrays.push_back(download(result.buffer, result.desc));
    table().free(result.buffer);
  }
  for (const keras_tensor& operand : operands) table().free(operand.buffer);
  check(status);
  return arrays;
}

keras_list list(const Shape& values) {
  keras_list result{};
  result.count = static_cast<int64_t>(values.size());
  for (size_t i = 0; i < values.size(); ++i) result.v[i] = values[i];
  return result;
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (const Shape* shape : {&a, &b}) {
    const size_t lead = result.size() - shape->size();
    for (size_t i = 0; i < shape->size(); ++i) {
      if ((*shape)[i] != 1) result[lead + i] = (*shape)[i];
    }
  }
  return result;
}

int64_t broadcast_index(int64_t index, const Shape& result, const Shape& operand) {
  int64_t flat = 0;
  int64_t step = 1;
  for (size_t back = 1; back <= result.size(); ++back) {
    const int64_t extent = result[result.size() - back];
    const int64_t position = index % extent;
    index /= extent;
    if (back > operand.size()) continue;
    const int64_t own = operand[operand.size() - back];
    if (own != 1) flat += position * step;
    step *= own;
  }
  return flat;
}

}  // namespace keras::native_test
