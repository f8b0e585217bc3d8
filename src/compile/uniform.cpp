// SPDX-License-Identifier: Apache-2.0
#include "compile/uniform.h"

#include <cmath>
#include <cstring>

namespace keras::internal {

namespace {

// Larger tensors are not searched for equal elements.
constexpr int64_t kSearched = 1024;

bool readable(DType dtype) { return dtype != DType::string && !is_complex(dtype); }

}  // namespace

ConstantAttributes uniform_attributes(DType dtype, const Shape& shape, double value) {
  auto attributes = make_attributes<ConstantAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  if (is_float(dtype) || is_complex(dtype)) {
    attributes.real = value;
  } else {
    attributes.integer = static_cast<int64_t>(value);
  }
  return attributes;
}

std::optional<ConstantAttributes> uniform(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  if (!readable(dtype) || tensor.elements() < 1 || tensor.elements() > kSearched) return std::nullopt;
  const auto* bytes = static_cast<const char*>(tensor.host_data());
  const size_t width = dtype_size(dtype);
  for (int64_t i = 1; i < tensor.elements(); ++i) {
    if (std::memcmp(bytes, bytes + static_cast<size_t>(i) * width, width) != 0) return std::nullopt;
  }
  const Tensor first = Tensor::copy(bytes, Shape{}, dtype);
  auto attributes = uniform_attributes(dtype, tensor.shape(), 0);
  if (is_float(dtype)) {
    attributes.real = first.item<double>();
    if (std::isnan(attributes.real)) return std::nullopt;  // its bits would be lost
  } else if (dtype == DType::uint64) {
    std::memcpy(&attributes.integer, bytes, sizeof(attributes.integer));
  } else {
    attributes.integer = first.item<int64_t>();
  }
  return attributes;
}

std::optional<ConstantAttributes> uniform(const Rewriter& rewriter, Graph::Value v) {
  const Graph::Value asked = v;
  for (;;) {
    std::optional<ConstantAttributes> found;
    if (const Tensor* tensor = rewriter.constant(v)) {
      found = uniform(*tensor);
      if (!found) return std::nullopt;
    } else {
      const Graph::Node* node = rewriter.maker(v);
      if (node == nullptr) return std::nullopt;
      if (node->op == OpId::constant_op) {
        found = attributes_of<ConstantAttributes>(*node);
        if (!readable(static_cast<DType>(found->dtype))) return std::nullopt;
      } else if (node->op == OpId::broadcast_to_op || node->op == OpId::reshape_op) {
        v = node->inputs[0];
        continue;
      } else {
        return std::nullopt;
      }
    }
    found->shape = to_list(rewriter.type(asked).shape);
    return found;
  }
}

bool is_uniform(const Rewriter& rewriter, Graph::Value v, double number) {
  const auto found = uniform(rewriter, v);
  if (!found) return false;
  if (!is_float(static_cast<DType>(found->dtype))) {
    return static_cast<double>(found->integer) == number && std::abs(number) < 9e15;
  }
  return found->real == number && std::signbit(found->real) == std::signbit(number);
}

std::optional<double> uniform_number(const Rewriter& rewriter, Graph::Value v) {
  const auto found = uniform(rewriter, v);
  if (!found) return std::nullopt;
  if (is_float(static_cast<DType>(found->dtype))) return found->real;
  if (found->integer > (int64_t{1} << 53) || found->integer < -(int64_t{1} << 53)) return std::nullopt;
  return static_cast<double>(found->integer);
}

bool is_close(const Rewriter& rewriter, Graph::Value v, double number) {
  const auto found = uniform(rewriter, v);
  if (!found) return false;
  const auto dtype = static_cast<DType>(found->dtype);
  if (!is_float(dtype)) return static_cast<double>(found->integer) == number;
  const double bits = dtype == DType::float64    ? 1e-15
                      : dtype == DType::float32  ? 2e-7
                      : dtype == DType::bfloat16 ? 8e-3
                                                 : 1e-3;
  return std::abs(found->real - number) <= bits * std::abs(number);
}

}  // namespace keras::internal
