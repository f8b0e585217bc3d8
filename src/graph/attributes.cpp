// SPDX-License-Identifier: Apache-2.0
#include "keras/graph/attributes.h"

#include <cstddef>

#include "keras/base/error.h"

namespace keras {

std::string TensorType::to_string() const { return std::string(dtype_name(dtype)) + shape.to_string(); }

namespace internal {

// One field table a struct, from attributes.def; the fields begin with a row that is not shown, so that
// a struct without fields has an array too.
#define I(field, doc) {#field, doc, 'I', offsetof(Self, field)},
#define F(field, doc) {#field, doc, 'F', offsetof(Self, field)},
#define B(field, doc) {#field, doc, 'B', offsetof(Self, field)},
#define E(field, doc) {#field, doc, 'E', offsetof(Self, field)},
#define T(field, doc) {#field, doc, 'T', offsetof(Self, field)},
#define L(field, doc) {#field, doc, 'L', offsetof(Self, field)},
#define S(field, doc) {#field, doc, 'S', offsetof(Self, field)},
#define KERAS_ATTRIBUTES(Struct, rows)                                                                 \
  template <>                                                                                          \
  AttributeTable attribute_table<Struct>() {                                                           \
    using Self = Struct;                                                                               \
    static constexpr AttributeField fields[] = {{"struct_size", "", '-', offsetof(Self, struct_size)}, \
                                                rows};                                                 \
    return {#Struct, sizeof(Struct), std::span<const AttributeField>(fields).subspan(1)};              \
  }
#include "keras/graph/attributes.def"
#undef KERAS_ATTRIBUTES
#undef I
#undef F
#undef B
#undef E
#undef T
#undef L
#undef S

namespace {

void check_length(size_t count) {
  if (count <= KERAS_MAX_RANK) return;
  fail<ValueError>({"attributes", "A list may have at most " + std::to_string(KERAS_MAX_RANK) + " entries",
                    std::to_string(count) + " entries", ""});
}

template <class Range, class Value>
keras_list make_list(const Range& values, Value value) {
  check_length(values.size());
  keras_list list;
  std::memset(&list, 0, sizeof(list));
  for (const auto& v : values) list.v[list.count++] = value(v);
  return list;
}

std::string list_to_string(const keras_list& list, char kind) {
  std::string out = "(";
  for (const int64_t v : items(list)) {
    if (out.size() > 1) out += ", ";
    out += kind == 'S' ? Dim::from_code(v).to_string() : std::to_string(v);
  }
  return out + (list.count == 1 ? ",)" : ")");
}

template <class T>
T read(const void* attributes, size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(attributes) + offset, sizeof(T));
  return value;
}

std::string real_to_string(double value) {
  const std::string text = Tensor::from(std::vector<double>{value}, {}).to_string();
  return text;
}

std::string field_to_string(const AttributeField& field, const void* attributes) {
  switch (field.kind) {
    case 'F':
      return real_to_string(read<double>(attributes, field.offset));
    case 'B':
      return read<int64_t>(attributes, field.offset) != 0 ? "true" : "false";
    case 'T':
      return std::string(dtype_name(static_cast<DType>(read<int64_t>(attributes, field.offset))));
    case 'L':
    case 'S':
      return list_to_string(read<keras_list>(attributes, field.offset), field.kind);
    default:
      return std::to_string(read<int64_t>(attributes, field.offset));
  }
}

}  // namespace

keras_list to_list(std::span<const int64_t> values) {
  return make_list(values, [](int64_t v) { return v; });
}

keras_list to_list(std::span<const int> values) {
  return make_list(values, [](int v) { return int64_t{v}; });
}

keras_list to_list(const Shape& shape) {
  return make_list(shape, [](Dim d) { return d.code(); });
}

Shape to_shape(const keras_list& list) {
  Shape shape;
  for (const int64_t code : items(list)) shape.push_back(Dim::from_code(code));
  return shape;
}

std::string attributes_to_string(const AttributeTable& table, const void* attributes) {
  std::string out = "{";
  for (const auto& field : table.fields) {
    if (out.size() > 1) out += ", ";
    out += std::string(field.name) + ": " + field_to_string(field, attributes);
  }
  return out + "}";
}

}  // namespace internal
}  // namespace keras
