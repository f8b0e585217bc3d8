// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/datatype.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "saving/hdf5/byte_builder.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

enum Class : uint8_t {
  kFixed = 0,
  kFloat = 1,
  kFixedString = 3,
  kOpaqueBytes = 5,
  kEnumeration = 8,
  kVariable = 9
};

constexpr std::array<std::string_view, 12> kClassNames{
    "integer",  "float",     "time", "string",          "bit field", "opaque",
    "compound", "reference", "enum", "variable-length", "array",     "complex"};

struct FloatFormat {
  Element element;
  uint32_t size;
  std::array<uint8_t, 4> fields;  // exponent position and size, mantissa position and size
  uint32_t bias;
};

constexpr std::array<FloatFormat, 4> kFloatFormats{{{Element::kFloat16, 2, {10, 5, 0, 10}, 15},
                                                    {Element::kBFloat16, 2, {7, 8, 0, 7}, 127},
                                                    {Element::kFloat32, 4, {23, 8, 0, 23}, 127},
                                                    {Element::kFloat64, 8, {52, 11, 0, 52}, 1023}}};

Element integer_element(uint32_t size, bool is_signed) {
  const auto first = static_cast<int>(is_signed ? Element::kInt8 : Element::kUint8);
  return static_cast<Element>(first + std::countr_zero(size));
}

Datatype decode_fixed(Cursor& cursor, uint32_t bits, uint32_t size) {
  const uint16_t offset = cursor.u16();
  const uint16_t precision = cursor.u16();
  if (size > 8 || !std::has_single_bit(size) || offset != 0 || precision != 8 * size) {
    cursor.refuse("integers must have 1, 2, 4 or 8 whole bytes",
                  std::to_string(precision) + " bits in " + std::to_string(size) + " bytes");
  }
  return {integer_element(size, (bits & 8) != 0), size, (bits & 1) != 0, false, Padding::kTerminated};
}

Datatype decode_float(Cursor& cursor, uint32_t bits, uint32_t size) {
  const uint16_t offset = cursor.u16();
  const uint16_t precision = cursor.u16();
  std::array<uint8_t, 4> fields{};
  for (uint8_t& field : fields) field = cursor.u8();
  const uint32_t bias = cursor.u32();
  const uint32_t sign = bits >> 8 & 0xff;
  for (const FloatFormat& format : kFloatFormats) {
    if (size == format.size && offset == 0 && precision == 8 * size && fields == format.fields &&
        bias == format.bias && sign == 8 * size - 1 && (bits & 0x40) == 0 && (bits >> 4 & 3) == 2) {
      return {format.element, size, (bits & 1) != 0, false, Padding::kTerminated};
    }
  }
  cursor.refuse("floats must be IEEE float16, float32, float64 or bfloat16",
                std::to_string(precision) + " bits in " + std::to_string(size) + " bytes");
}

struct Prefix {
  uint8_t version;
  uint8_t type;
  uint32_t bits;
  uint32_t size;
};

Prefix read_prefix(Cursor& cursor) {
  const uint8_t first = cursor.u8();
  Prefix prefix{static_cast<uint8_t>(first >> 4), static_cast<uint8_t>(first & 15),
                static_cast<uint32_t>(cursor.number(3)), cursor.u32()};
  if (prefix.version == 0 || prefix.version > 5) {
    cursor.reject("the version must be 1 to 5", std::to_string(prefix.version));
  }
  if (prefix.size == 0) cursor.reject("an element must have at least one byte", "size 0");
  return prefix;
}

// An enumeration holds its base type, then its names, then their values.
Datatype decode_enumeration(Cursor& cursor, const Prefix& prefix) {
  const uint32_t members = prefix.bits & 0xffff;
  const Prefix base = read_prefix(cursor);
  if (base.type != kFixed || base.size != prefix.size) {
    cursor.reject("an enumeration's base must be an integer of its own size");
  }
  Datatype type = decode_fixed(cursor, base.bits, base.size);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < members; ++i) {
    names.push_back(cursor.terminated_text());
    // Up to version 2 names are padded to 8 bytes, counting from the name's start.
    if (prefix.version < 3) cursor.skip((8 - (names.back().size() + 1) % 8) % 8);
  }
  std::vector<uint64_t> values;
  for (uint32_t i = 0; i < members; ++i) values.push_back(cursor.number(base.size));
  const auto value_of = [&](std::string_view name) -> std::optional<uint64_t> {
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return values[i];
    }
    return std::nullopt;
  };
  if (type.element == Element::kInt8 && members == 2 && value_of("FALSE") == 0u && value_of("TRUE") == 1u) {
    type.element = Element::kBool;
  }
  return type;
}

Datatype string_type(Cursor& cursor, Element element, uint32_t size, uint32_t padding, uint32_t charset) {
  if (padding > 2) cursor.reject("the padding of a string must be 0, 1 or 2", std::to_string(padding));
  if (charset > 1) cursor.reject("the character set must be 0 or 1", std::to_string(charset));
  return {element, size, false, charset == 1, static_cast<Padding>(padding)};
}

}  // namespace

std::string_view to_string(Element element) {
  constexpr std::array<std::string_view, 16> kNames{
      "int8",    "int16",    "int32",   "int64",   "uint8", "uint16", "uint32", "uint64",
      "float16", "bfloat16", "float32", "float64", "bool",  "opaque", "string", "variable-length string"};
  return kNames[static_cast<size_t>(element)];
}

Datatype Datatype::of(Element element, uint32_t size) {
  constexpr std::array<uint32_t, 16> kSizes{1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 1, 0, 0, 16};
  Datatype type;
  type.element = element;
  type.size = kSizes[static_cast<size_t>(element)];
  if (type.size == 0) type.size = std::max<uint32_t>(size, 1);
  if (element == Element::kString) type.padding = Padding::kZeros;
  return type;
}

Datatype decode_datatype(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "datatype message", body);
  const Prefix prefix = read_prefix(cursor);
  switch (prefix.type) {
    case kFixed:
      return decode_fixed(cursor, prefix.bits, prefix.size);
    case kFloat:
      return decode_float(cursor, prefix.bits, prefix.size);
    case kFixedString:
      return string_type(cursor, Element::kString, prefix.size, prefix.bits & 15, prefix.bits >> 4 & 15);
    case kOpaqueBytes:
      return Datatype::of(Element::kOpaque, prefix.size);
    case kEnumeration:
      return decode_enumeration(cursor, prefix);
    case kVariable:
      if ((prefix.bits & 15) == 1) {
        if (prefix.size != 8 + image.offset_size) {
          cursor.reject("a variable-length element must hold a length and a heap address",
                        std::to_string(prefix.size) + " bytes");
        }
        return string_type(cursor, Element::kVariableString, prefix.size, prefix.bits >> 4 & 15,
                           prefix.bits >> 8 & 15);
      }
      break;
    default:
      break;
  }
  if (prefix.type >= kClassNames.size()) {
    cursor.reject("the class of a datatype must be 0 to 11", std::to_string(prefix.type));
  }
  cursor.refuse("only numbers, bools, strings and opaque bytes are read",
                "a " + std::string(kClassNames[prefix.type]) + " type");
}

Datatype read_datatype(const FileImage& image, const Message& message) {
  return decode_datatype(image,
                         message.shared() ? shared_body(image, message.body, message.type) : message.body);
}

std::vector<std::byte> encode_datatype(const Datatype& type) {
  ByteBuilder out;
  const auto prefix = [&](uint8_t type_class, uint32_t bits, uint32_t size) {
    out.number(0x10u | type_class, 1).number(bits, 3).number(size, 4);
  };
  const auto fixed = [&](uint32_t size, bool is_signed) {
    prefix(kFixed, is_signed ? 8 : 0, size);
    out.number(0, 2).number(8 * size, 2);
  };
  switch (type.element) {
    case Element::kOpaque:
    case Element::kBFloat16:
      prefix(kOpaqueBytes, 0, type.size);
      break;
    case Element::kString:
      prefix(kFixedString, static_cast<uint32_t>(type.padding) | (type.utf8 ? 0x10u : 0u), type.size);
      break;
    case Element::kVariableString:
      prefix(kVariable, 1u | (type.utf8 ? 0x100u : 0u), type.size);
      fixed(1, false);
      break;
    case Element::kBool:
      prefix(kEnumeration, 2, 1);
      fixed(1, true);
      out.text("FALSE").zeros(2).text("TRUE").zeros(3).number(0, 1).number(1, 1);
      break;
    case Element::kFloat16:
    case Element::kFloat32:
    case Element::kFloat64:
      for (const FloatFormat& format : kFloatFormats) {
        if (format.element != type.element) continue;
        prefix(kFloat, 0x20u | (8 * format.size - 1) << 8, format.size);
        out.number(0, 2).number(8 * format.size, 2);
        for (const uint8_t field : format.fields) out.number(field, 1);
        out.number(format.bias, 4);
      }
      break;
    default:
      fixed(type.size, type.is_signed());
  }
  return out.take();
}

void to_native_order(const Datatype& type, std::span<std::byte> elements) {
  constexpr bool kNativeBig = std::endian::native == std::endian::big;
  if (type.size < 2 || type.is_string() || type.element == Element::kOpaque || type.big_endian == kNativeBig)
    return;
  for (size_t i = 0; i + type.size <= elements.size(); i += type.size) {
    const auto element = elements.subspan(i, type.size);
    std::reverse(element.begin(), element.end());
  }
}

}  // namespace keras::internal::hdf5
