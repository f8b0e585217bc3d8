// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/tensor.h"

#include <cstring>
#include <limits>

#include "keras/base/error.h"
#include "keras/tensor/config.h"
#include "keras/tensor/host_buffer.h"

namespace keras {
namespace {

using internal::fail;

template <class T>
void store(void* destination, int64_t index, T value) {
  static_cast<T*>(destination)[index] = value;
}

bool fits_int32(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max();
}

Tensor filled(const Shape& shape, DType dtype, const void* element) {
  auto bytes = internal::allocate_host(dtype_size(dtype));
  std::memcpy(bytes.get(), element, dtype_size(dtype));
  return internal::host_tensor(std::move(bytes), shape, dtype);
}

// The shape of a nested list, and its leaves in order. Throws when a row differs from its sisters.
void collect(const Literal& literal, size_t depth, std::vector<int64_t>& shape, bool& leaves_below,
             std::vector<const Literal*>& leaves) {
  const bool leaf = literal.kind() != Literal::Kind::list;
  if (leaf) {
    if (depth < shape.size()) {
      fail<ValueError>({"Tensor", "Each row of a nested list must be as deep as the others",
                        "a number beside a list", ""});
    }
    leaves_below = true;
    leaves.push_back(&literal);
    return;
  }
  const auto count = static_cast<int64_t>(literal.items().size());
  if (depth == shape.size()) {
    if (leaves_below) {
      fail<ValueError>({"Tensor", "Each row of a nested list must be as deep as the others",
                        "a list beside a number", ""});
    }
    shape.push_back(count);
  } else if (shape[depth] != count) {
    fail<ValueError>({"Tensor", "The rows of a nested list must have the same length",
                      std::to_string(shape[depth]) + " and " + std::to_string(count) + " items", ""});
  }
  for (const auto& item : literal.items()) collect(item, depth + 1, shape, leaves_below, leaves);
}

}  // namespace

Tensor::Tensor(std::initializer_list<Literal> items) {
  const Literal list(items);
  std::vector<int64_t> dims;
  std::vector<const Literal*> leaves;
  bool leaves_below = false;
  collect(list, 0, dims, leaves_below, leaves);
  bool real = leaves.empty();
  bool integer = false;
  bool wide = false;
  for (const Literal* leaf : leaves) {
    real = real || leaf->kind() == Literal::Kind::real;
    integer = integer || leaf->kind() == Literal::Kind::integer;
    wide = wide || (leaf->kind() == Literal::Kind::integer && !fits_int32(leaf->integer()));
  }
  const DType dtype = real ? config::floatx() : wide ? DType::int64 : integer ? DType::int32 : DType::bool_;
  auto bytes = internal::allocate_host(leaves.size() * dtype_size(dtype));
  for (size_t i = 0; i < leaves.size(); ++i) {
    void* place = static_cast<char*>(bytes.get()) + i * dtype_size(dtype);
    if (real) {
      const double value = leaves[i]->number();
      internal::convert_elements(&value, DType::float64, place, dtype, 1);
    } else {
      const int64_t value = leaves[i]->integer();
      internal::convert_elements(&value, DType::int64, place, dtype, 1);
    }
  }
  *this = internal::host_tensor(std::move(bytes), Shape(dims.begin(), dims.end()), dtype);
}

Tensor Tensor::weak_scalar(double real, int64_t integer, DType kind) {
  if (kind == DType::float32) {
    const DType dtype = config::floatx();
    double element = 0;  // room for any float
    internal::convert_elements(&real, DType::float64, &element, dtype, 1);
    Tensor scalar = filled({}, dtype, &element);
    scalar.impl().weak = true;
    scalar.impl().literal = real;
    return scalar;
  }
  if (kind == DType::bool_) {
    const bool value = integer != 0;
    Tensor scalar = filled({}, DType::bool_, &value);
    scalar.impl().weak = true;
    return scalar;
  }
  if (kind == DType::uint64 && integer < 0) return filled({}, DType::uint64, &integer);
  if (!fits_int32(integer)) return filled({}, DType::int64, &integer);
  const auto value = static_cast<int32_t>(integer);
  Tensor scalar = filled({}, DType::int32, &value);
  scalar.impl().weak = true;
  return scalar;
}

Tensor Tensor::copy(const void* data, const Shape& shape, DType dtype) {
  const size_t bytes = static_cast<size_t>(shape.elements()) * dtype_size(dtype);
  if (data == nullptr && bytes > 0) {
    fail<ValueError>(
        {"Tensor::copy", "The data must not be null", "nullptr for shape " + shape.to_string(), ""});
  }
  auto memory = internal::allocate_host(bytes);
  if (bytes > 0) std::memcpy(memory.get(), data, bytes);
  return internal::host_tensor(std::move(memory), shape, dtype);
}

Tensor Tensor::borrow(const void* data, const Shape& shape, DType dtype, std::function<void()> deleter) {
  if (data == nullptr && shape.elements() > 0) {
    fail<ValueError>(
        {"Tensor::borrow", "The data must not be null", "nullptr for shape " + shape.to_string(), ""});
  }
  std::shared_ptr<const void> memory(data, [deleter = std::move(deleter)](const void*) {
    if (deleter) deleter();
  });
  return internal::host_tensor(std::move(memory), shape, dtype);
}

Tensor Tensor::from(const std::vector<bool>& values, const Shape& shape) {
  check_count(values.size(), shape);
  auto bytes = internal::allocate_host(values.size());
  for (size_t i = 0; i < values.size(); ++i) store<bool>(bytes.get(), static_cast<int64_t>(i), values[i]);
  return internal::host_tensor(std::move(bytes), shape, DType::bool_);
}

Tensor Tensor::strings(std::vector<std::string> values, const Shape& shape) {
  check_count(values.size(), shape);
  Tensor tensor(new internal::TensorImpl);
  tensor.impl().dtype = DType::string;
  tensor.impl().shape = shape;
  tensor.impl().host.strings = std::make_shared<const std::vector<std::string>>(std::move(values));
  return tensor;
}

std::string Tensor::device() const {
  const auto& value = impl();
  if (value.abstract) fail<TypeError>({"Tensor::device", value.abstract->why_unreadable(), "", ""});
  const std::lock_guard lock(value.mutex());
  return value.device ? value.device.owner()->device_name(value.device.handle()) : "cpu:0";
}

const void* Tensor::host_data() const {
  auto& value = impl();
  if (value.abstract) fail<TypeError>({"Tensor", value.abstract->why_unreadable(), "", ""});
  if (value.dtype == DType::string) {
    fail<TypeError>(
        {"Tensor::host_data", "Strings have no elements in memory", "dtype=string", "use to_strings()"});
  }
  const void* elements = value.host_elements();
  if (elements == nullptr && value.shape.elements() > 0) {
    fail<ValueError>({"Tensor", "The tensor's elements are gone", "shape=" + value.shape.to_string(),
                      "its memory was donated to another value"});
  }
  return elements;
}

const std::vector<std::string>& Tensor::to_strings() const {
  const auto& value = impl();
  if (value.abstract) fail<TypeError>({"Tensor", value.abstract->why_unreadable(), "", ""});
  if (value.dtype != DType::string) {
    fail<TypeError>({"Tensor::to_strings", "The tensor must hold strings",
                     "dtype=" + std::string(dtype_name(value.dtype)), ""});
  }
  return *value.host.strings;
}

Tensor Tensor::mask() const {
  const auto& value = impl();
  const std::lock_guard lock(value.mutex());
  return value.mask ? *value.mask : Tensor();
}

void Tensor::set_mask(const Tensor& mask) const {
  auto& value = impl();
  auto fresh = mask.defined() ? std::make_shared<const Tensor>(mask) : nullptr;
  const std::lock_guard lock(value.mutex());
  std::swap(value.mask, fresh);
}

void Tensor::check_count(size_t count, const Shape& shape) {
  if (static_cast<int64_t>(count) == shape.elements()) return;
  fail<ValueError>({"Tensor", "The shape must have as many elements as there are values",
                    std::to_string(count) + " values for shape " + shape.to_string(), ""});
}

void Tensor::fail_undefined() {
  fail<ValueError>({"Tensor", "The tensor must be defined", "an undefined tensor (default-constructed)", ""});
}

void Tensor::check_dtype(DType wanted) const {
  if (dtype() == wanted) return;
  fail<TypeError>(
      {"Tensor::data", "The element type asked for must be the tensor's dtype",
       "data<" + std::string(dtype_name(wanted)) + "> of a " + std::string(dtype_name(dtype())) + " tensor",
       "to_vector<T>() converts"});
}

void Tensor::check_single() const {
  if (elements() == 1) return;
  fail<ValueError>({"Tensor::item", "The tensor must have exactly one element",
                    "shape=" + shape().to_string(), "at<T>({...}) reads one of many"});
}

int64_t Tensor::offset_of(std::span<const int64_t> indices) const {
  if (static_cast<int>(indices.size()) != rank()) {
    fail<ValueError>({"Tensor::at", "There must be one index per axis",
                      std::to_string(indices.size()) + " indices for shape " + shape().to_string(), ""});
  }
  int64_t offset = 0;
  for (size_t axis = 0; axis < indices.size(); ++axis) {
    const int64_t size = shape()[axis].value();
    const int64_t index = indices[axis] < 0 ? indices[axis] + size : indices[axis];
    if (index < 0 || index >= size) {
      fail<ValueError>({"Tensor::at", "The index must lie within its axis",
                        "index " + std::to_string(indices[axis]) + " for axis " + std::to_string(axis) +
                            " of shape " + shape().to_string(),
                        ""});
    }
    offset = offset * size + index;
  }
  return offset;
}

double Tensor::element_as_double(int64_t offset) const {
  double value = 0;
  convert_element(offset, &value, DType::float64);
  return value;
}

int64_t Tensor::element_as_int64(int64_t offset) const {
  if (dtype() == DType::uint64) {  // the low 64 bits, so that item<uint64_t>() gets them all back
    return static_cast<int64_t>(static_cast<const uint64_t*>(host_data())[offset]);
  }
  int64_t value = 0;
  convert_element(offset, &value, DType::int64);
  return value;
}

void Tensor::convert_element(int64_t offset, void* destination, DType wanted) const {
  if (wanted == DType::string) {
    *static_cast<std::string*>(destination) = to_strings()[static_cast<size_t>(offset)];
    return;
  }
  if (impl().literal) {
    internal::convert_elements(&*impl().literal, DType::float64, destination, wanted, 1);
    return;
  }
  const auto* source = static_cast<const char*>(host_data());
  internal::convert_elements(source + static_cast<size_t>(offset) * dtype_size(dtype()), dtype(), destination,
                             wanted, 1);
}

void Tensor::convert_to(void* destination, DType wanted) const {
  if (wanted == DType::string) {
    const auto& from = to_strings();
    for (size_t i = 0; i < from.size(); ++i) static_cast<std::string*>(destination)[i] = from[i];
  } else if (impl().literal) {
    convert_element(0, destination, wanted);
  } else {
    internal::convert_elements(host_data(), dtype(), destination, wanted, elements());
  }
}

}  // namespace keras
