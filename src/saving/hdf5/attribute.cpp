// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/attribute.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "keras/base/error.h"
#include "saving/hdf5/btree_v2.h"
#include "saving/hdf5/cursor.h"
#include "saving/hdf5/fractal_heap.h"
#include "saving/hdf5/heap.h"

namespace keras::internal::hdf5 {
namespace {

struct Parts {
  std::string name;
  std::span<const std::byte> type;
  std::span<const std::byte> space;
  std::span<const std::byte> data;
  bool type_shared = false;
};

Parts split(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "attribute message", body);
  const uint8_t version = cursor.u8();
  if (version < 1 || version > 3) cursor.reject("the version must be 1 to 3", std::to_string(version));
  const uint8_t flags = cursor.u8();
  const uint16_t name_size = cursor.u16();
  const uint16_t type_size = cursor.u16();
  const uint16_t space_size = cursor.u16();
  if (version == 3) cursor.skip(1);  // character set
  // In version 1 every part is padded to 8 bytes, and the parts begin at byte 8.
  const auto part = [&](uint16_t size) {
    const auto bytes = cursor.bytes(size);
    if (version == 1) cursor.align(8);
    return bytes;
  };
  Parts parts;
  const auto name = part(name_size);
  parts.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  parts.name.resize(std::min(parts.name.size(), parts.name.find('\0')));
  parts.type = part(type_size);
  parts.space = part(space_size);
  if (version > 1 && (flags & 2) != 0) cursor.refuse("shared dataspaces are not read");
  parts.type_shared = version > 1 && (flags & 1) != 0;
  parts.data = cursor.bytes(cursor.remaining());
  return parts;
}

double half_to_double(uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto mantissa = static_cast<double>(bits & 1023);
  double value = 0;
  if (exponent == 31) {
    value =
        mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

double float_value(Element element, uint64_t bits) {
  switch (element) {
    case Element::kFloat16:
      return half_to_double(bits);
    case Element::kBFloat16:
      return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    case Element::kFloat32:
      return std::bit_cast<float>(static_cast<uint32_t>(bits));
    default:
      return std::bit_cast<double>(bits);
  }
}

int64_t signed_value(const Datatype& type, uint64_t bits) {
  const unsigned unused = 64 - 8 * type.size;
  return static_cast<int64_t>(bits << unused) >> unused;
}

Attribute::Data decode_numbers(const Datatype& type, std::span<const std::byte> elements) {
  std::vector<uint64_t> bits;
  for (size_t i = 0; i + type.size <= elements.size(); i += type.size) {
    uint64_t value = 0;
    for (unsigned k = 0; k < type.size; ++k) {
      const unsigned at = type.big_endian ? type.size - 1 - k : k;
      value |= static_cast<uint64_t>(elements[i + at]) << (8 * k);
    }
    bits.push_back(value);
  }
  if (type.is_float()) {
    std::vector<double> values;
    for (const uint64_t b : bits) values.push_back(float_value(type.element, b));
    return values;
  }
  if (!type.is_signed() && type.element != Element::kBool) return bits;
  std::vector<int64_t> values;
  for (const uint64_t b : bits) values.push_back(signed_value(type, b));
  return values;
}

[[noreturn]] void wrong_kind(const Attribute& attribute, std::string_view wanted) {
  std::string received(to_string(attribute.type.element));
  received += " of shape " + to_string(attribute.space.dims);
  if (attribute.space.kind == Dataspace::Kind::kNull) received = "an empty attribute";
  fail<TypeError>({"HDF5 attribute '" + attribute.name + "'", wanted, received, ""});
}

template <class T>
Attribute scalar(std::string name, Element element, T value) {
  return {std::move(name), Datatype::of(element), {}, std::vector<T>{std::move(value)}};
}

}  // namespace

Attribute Attribute::text(std::string name, std::string value) {
  Attribute out = scalar(std::move(name), Element::kVariableString, std::move(value));
  out.type.utf8 = true;
  return out;
}

Attribute Attribute::texts(std::string name, std::vector<std::string> values) {
  Attribute out{
      std::move(name), Datatype::of(Element::kVariableString), Dataspace::simple({values.size()}), {}};
  out.type.utf8 = true;
  out.data = std::move(values);
  return out;
}

Attribute Attribute::fixed_texts(std::string name, const std::vector<std::string>& values) {
  size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  return {std::move(name), Datatype::of(Element::kString, static_cast<uint32_t>(longest)),
          Dataspace::simple({values.size()}), values};
}

Attribute Attribute::integer(std::string name, int64_t value) {
  return scalar(std::move(name), Element::kInt64, value);
}

Attribute Attribute::number(std::string name, double value) {
  return scalar(std::move(name), Element::kFloat64, value);
}

const std::string& Attribute::as_text() const {
  const auto* values = std::get_if<std::vector<std::string>>(&data);
  if (values == nullptr || values->size() != 1) wrong_kind(*this, "The attribute must be one string");
  return values->front();
}

std::vector<std::string> Attribute::as_texts() const {
  if (const auto* values = std::get_if<std::vector<std::string>>(&data)) return *values;
  if (space.elements() == 0) return {};
  wrong_kind(*this, "The attribute must hold strings");
}

int64_t Attribute::as_integer() const {
  if (const auto* values = std::get_if<std::vector<int64_t>>(&data); values && values->size() == 1) {
    return values->front();
  }
  if (const auto* values = std::get_if<std::vector<uint64_t>>(&data); values && values->size() == 1) {
    if (values->front() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      fail<ValueError>({"HDF5 attribute '" + name + "'", "The integer must fit in int64",
                        std::to_string(values->front()), ""});
    }
    return static_cast<int64_t>(values->front());
  }
  wrong_kind(*this, "The attribute must be one integer");
}

double Attribute::as_number() const {
  if (const auto* values = std::get_if<std::vector<double>>(&data); values && values->size() == 1) {
    return values->front();
  }
  if (const auto* values = std::get_if<std::vector<uint64_t>>(&data); values && values->size() == 1) {
    return static_cast<double>(values->front());
  }
  const auto* values = std::get_if<std::vector<int64_t>>(&data);
  if (values == nullptr || values->size() != 1) wrong_kind(*this, "The attribute must be one number");
  return static_cast<double>(values->front());
}

std::vector<StoredAttribute> list_attributes(const FileImage& image, const ObjectHeader& header) {
  std::vector<StoredAttribute> out;
  const auto add = [&](std::span<const std::byte> body) { out.push_back({split(image, body).name, body}); };
  for (const Message& message : header.messages()) {
    if (message.type == MessageType::kAttribute) {
      add(message.shared() ? shared_body(image, message.body, message.type) : message.body);
    } else if (message.type == MessageType::kAttributeInfo) {
      Cursor cursor(image, "attribute info message", message.body);
      cursor.version(0);
      if ((cursor.u8() & 1) != 0) cursor.skip(2);
      const uint64_t heap_address = cursor.offset();
      const uint64_t names = cursor.offset();
      if (heap_address == kUndefined) continue;
      FractalHeap heap(image, heap_address);
      uint64_t taken = 0;
      for (const auto& record : read_btree_v2(image, names, BTreeV2Type::kAttributeNames).records) {
        if (record.size() < 17)
          cursor.reject("attribute records must have 17 bytes", std::to_string(record.size()));
        if ((static_cast<uint8_t>(record[8]) & 2) != 0) cursor.refuse("shared attributes are not read");
        const auto body = heap.object(record.first(8));
        taken += body.size();
        if (taken > image.size()) cursor.reject("attributes must not overlap");
        add(body);
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Attribute decode_attribute(const FileImage& image, const StoredAttribute& stored) {
  const Parts parts = split(image, stored.body);
  Attribute out;
  out.name = parts.name;
  out.type = decode_datatype(
      image, parts.type_shared ? shared_body(image, parts.type, MessageType::kDatatype) : parts.type);
  out.space = decode_dataspace(image, parts.space);
  if (out.space.kind == Dataspace::Kind::kNull) return out;
  const uint64_t count = out.space.elements();
  if (count > parts.data.size() / out.type.size) {
    image.reject("attribute message", image.address_of(stored.body), "the attribute must hold its elements",
                 to_string(out.space.dims) + " elements in " + std::to_string(parts.data.size()) + " bytes");
  }
  const auto elements = parts.data.first(count * out.type.size);
  if (out.type.is_string()) {
    out.data = decode_strings(image, out.type, count, elements);
  } else if (out.type.element == Element::kOpaque) {
    out.data = std::vector<std::byte>(elements.begin(), elements.end());
  } else {
    out.data = decode_numbers(out.type, elements);
  }
  return out;
}

std::vector<std::string> decode_strings(const FileImage& image, const Datatype& type, uint64_t count,
                                        std::span<const std::byte> elements) {
  std::vector<std::string> out;
  GlobalHeap heap(image);
  for (uint64_t i = 0; i < count; ++i) {
    const auto element = elements.subspan(i * type.size, type.size);
    std::span<const std::byte> bytes = element;
    if (type.element == Element::kVariableString) {
      // Read by hand: elements of a chunked dataset do not stand in the file as they are.
      const auto number = [&](size_t at, size_t width) {
        uint64_t value = 0;
        for (size_t k = 0; k < width; ++k) value |= static_cast<uint64_t>(element[at + k]) << (8 * k);
        return value;
      };
      const uint64_t length = number(0, 4);
      const uint64_t address = number(4, image.offset_size);
      const auto index = static_cast<uint32_t>(number(4 + image.offset_size, 4));
      bytes = length == 0 ? std::span<const std::byte>{} : heap.object(address, index, length);
    }
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (type.padding == Padding::kSpaces) {
      text.erase(text.find_last_not_of(' ') + 1);
    } else if (type.padding == Padding::kZeros && type.element == Element::kString) {
      text.erase(text.find_last_not_of('\0') + 1);
    } else {
      text.resize(std::min(text.size(), text.find('\0')));
    }
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace keras::internal::hdf5
