// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"
#include "saving/hdf5/object_header.h"

namespace keras::internal::hdf5 {

/// What one element is; the number formats are those that Keras and h5py write.
enum class Element : uint8_t {
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kBool,            ///< h5py's enumeration of FALSE and TRUE over int8
  kOpaque,          ///< bytes without meaning
  kString,          ///< text of a fixed number of bytes
  kVariableString,  ///< text of any length, kept in a global heap
};

/// How a fixed string's unused bytes are filled.
enum class Padding : uint8_t { kTerminated = 0, kZeros = 1, kSpaces = 2 };

struct Datatype {
  Element element = Element::kFloat32;
  uint32_t size = 4;  ///< bytes of one element in the file
  bool big_endian = false;
  bool utf8 = false;  ///< strings only; else ASCII
  Padding padding = Padding::kTerminated;

  /// The type as it is written: little endian; `size` counts for kString and kOpaque only.
  static Datatype of(Element element, uint32_t size = 0);

  bool is_string() const { return element == Element::kString || element == Element::kVariableString; }
  bool is_signed() const { return element <= Element::kInt64; }
  bool is_integer() const { return element <= Element::kUint64 || element == Element::kBool; }
  bool is_float() const { return element >= Element::kFloat16 && element <= Element::kFloat64; }
};

/// "float32", "string" ...
std::string_view to_string(Element element);

/// Decodes a datatype message. UnsupportedError for the types that are not in Element.
Datatype decode_datatype(const FileImage& image, std::span<const std::byte> body);

/// Decodes an object's datatype message, following it to a committed datatype.
Datatype read_datatype(const FileImage& image, const Message& message);

/// Bytes of a datatype message; kBFloat16 becomes the opaque pair of bytes that h5py writes for it.
std::vector<std::byte> encode_datatype(const Datatype& type);

/// Turns elements of the file's byte order into this machine's, in place.
void to_native_order(const Datatype& type, std::span<std::byte> elements);

}  // namespace keras::internal::hdf5
