// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

#include "keras/graph/op_attributes.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// dtype and shape of a value, without elements (Keras' KerasTensor spec).
struct TensorType {
  DType dtype = DType::float32;  ///< of its elements
  Shape shape;                   ///< may be symbolic
  friend bool operator==(const TensorType&, const TensorType&) = default;
  /// "float32(None, 28, 28)".
  std::string to_string() const;
};

namespace internal {

/// One field of an attribute struct.
struct AttributeField {
  const char* name;
  const char* doc;
  char kind;  ///< the letter of attributes.def
  size_t offset;
};

/// The fields of an attribute struct; printing, hashing and equality go by it.
struct AttributeTable {
  const char* name = "";
  size_t size = 0;
  std::span<const AttributeField> fields;
};

template <class A>
AttributeTable attribute_table();  // specialised for every struct of attributes.def

/// A zeroed attribute struct with its size set; every byte defined, so equality is memcmp.
template <class A>
A make_attributes() {
  static_assert(std::is_trivially_copyable_v<A>);
  A a;
  std::memset(&a, 0, sizeof(A));
  a.struct_size = sizeof(A);
  return a;
}

/// A list attribute from numbers or dimensions. Throws ValueError beyond KERAS_MAX_RANK entries.
keras_list to_list(std::span<const int64_t> values);
keras_list to_list(std::span<const int> values);
keras_list to_list(const Shape& shape);
inline keras_list to_list(std::initializer_list<int64_t> values) {
  return to_list(std::span<const int64_t>(values.begin(), values.size()));
}
inline std::span<const int64_t> items(const keras_list& list) {
  return {list.v, static_cast<size_t>(list.count)};
}
Shape to_shape(const keras_list& list);

/// "{axes: (0, 1), keepdims: false}".
std::string attributes_to_string(const AttributeTable& table, const void* attributes);

}  // namespace internal
}  // namespace keras
