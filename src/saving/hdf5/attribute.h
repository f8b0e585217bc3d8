// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "saving/hdf5/dataspace.h"
#include "saving/hdf5/datatype.h"

namespace keras::internal::hdf5 {

/// A small named value of a group or dataset. Numbers are widened; `type` keeps what the file has.
struct Attribute {
  using Data = std::variant<std::monostate,            // a null dataspace
                            std::vector<int64_t>,      // signed integers and bools
                            std::vector<uint64_t>,     // unsigned integers
                            std::vector<double>,       // floats
                            std::vector<std::string>,  // strings
                            std::vector<std::byte>>;   // opaque bytes, all elements together

  std::string name;
  Datatype type;
  Dataspace space;
  Data data;

  /// As h5py writes `attrs[name] = "value"`: a scalar of variable length.
  static Attribute text(std::string name, std::string value);
  /// As h5py writes a list of str: an array of variable-length strings.
  static Attribute texts(std::string name, std::vector<std::string> values);
  /// As h5py writes numpy's fixed-size byte strings ('S'), which Keras' legacy files hold.
  static Attribute fixed_texts(std::string name, const std::vector<std::string>& values);
  static Attribute integer(std::string name, int64_t value);
  static Attribute number(std::string name, double value);

  /// The one string; TypeError if the attribute is anything else.
  const std::string& as_text() const;
  /// All strings; an array without elements counts, whatever its type (numpy makes [] a float array).
  std::vector<std::string> as_texts() const;
  /// The one integer or bool; TypeError for anything else, ValueError above int64's range.
  int64_t as_integer() const;
  /// The one number of any kind; TypeError for anything else.
  double as_number() const;
};

/// An attribute as it stands in the file: decoded only when asked for, since a file may hold ones of types
/// that are not read here.
struct StoredAttribute {
  std::string name;
  std::span<const std::byte> body;
};

/// All attributes of an object, sorted by name.
std::vector<StoredAttribute> list_attributes(const FileImage& image, const ObjectHeader& header);

/// Decodes an attribute message (versions 1 to 3).
Attribute decode_attribute(const FileImage& image, const StoredAttribute& stored);

/// The strings in elements of a string type. Variable-length ones are looked up in the file's global heaps.
std::vector<std::string> decode_strings(const FileImage& image, const Datatype& type, uint64_t count,
                                        std::span<const std::byte> elements);

}  // namespace keras::internal::hdf5
