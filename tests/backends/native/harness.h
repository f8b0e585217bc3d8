// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "keras/runtime/backend_api.h"

// Ops through the plug-in's C table, residuals included, with values held as doubles whatever the dtype: so
// one reference serves every dtype.
namespace keras::kernel_test {

/// The plug-in's table.
const keras_backend& backend();

/// A dense array on the host. Complex numbers take two values an element.
struct Array {
  int32_t dtype = KERAS_FLOAT32;
  std::vector<int64_t> shape;
  std::vector<double> values;

  Array() = default;
  Array(int32_t type, std::vector<int64_t> extents);  // zeros
  Array(int32_t type, std::vector<int64_t> extents, std::vector<double> elements);
  int64_t size() const;
  double& operator[](int64_t i) { return values[static_cast<size_t>(i)]; }
  double operator[](int64_t i) const { return values[static_cast<size_t>(i)]; }
};

/// Values of a fixed sequence in [low, high), rounded to the dtype (whole numbers for integers).
Array random(int32_t dtype, std::vector<int64_t> shape, uint32_t seed, double low = -1, double high = 1);
/// The same array as the dtype stores it.
Array rounded(Array array);
Array cast(Array array, int32_t dtype);

/// A tensor of the backend; copies share its memory.
struct Tensor {
  std::shared_ptr<keras_buffer> buffer;
  keras_desc desc{};
};
Tensor upload(const Array& array);
Array download(const Tensor& tensor);

/// What prepare and launch gave.
struct Outcome {
  keras_verdict verdict = KERAS_UNSUPPORTED;
  keras_status status = KERAS_OK;
  std::string message;  // why not native, or the error of the launch
  std::vector<Tensor> outputs, residuals;

  Array operator[](size_t i) const { return download(outputs[i]); }
};

Outcome run_raw(const char* op, const void* attributes, uint64_t attributes_size,
                const std::vector<Tensor>& inputs, const std::vector<Array>& outputs, bool wants_residuals);

/// Runs an op once; `outputs` give dtype and shape. Trailing operands may be residuals of an earlier outcome.
template <class Attributes>
Outcome run(const char* op, Attributes attributes, const std::vector<Tensor>& inputs,
            const std::vector<Array>& outputs, bool wants_residuals = false) {
  attributes.struct_size = sizeof(attributes);
  return run_raw(op, &attributes, sizeof(attributes), inputs, outputs, wants_residuals);
}
template <class Attributes>
Outcome run(const char* op, const Attributes& attributes, const std::vector<Array>& inputs,
            const std::vector<Array>& outputs, bool wants_residuals = false) {
  std::vector<Tensor> tensors;
  for (const Array& input : inputs) tensors.push_back(upload(input));
  return run(op, attributes, tensors, outputs, wants_residuals);
}

keras_list list(std::initializer_list<int64_t> values);
keras_list list(const std::vector<int64_t>& values);

/// EXPECTs equality within absolute + relative * |expected|.
void expect_near(const Array& actual, const Array& expected, double relative, double absolute,
                 const std::string& what);
/// Relative error that results of this dtype may carry.
double tolerance(int32_t dtype);
double dot(const Array& a, const Array& b);

/// Checks a gradient of sum(weight * f(x)) against central differences at a spread of elements.
void expect_gradient(const std::function<double(const Array&)>& f, const Array& x, const Array& gradient,
                     const std::string& what, double step = 1e-5, double tolerance = 1e-6);

}  // namespace keras::kernel_test
