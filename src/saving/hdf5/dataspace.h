// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// Shape of a dataset or attribute.
struct Dataspace {
  enum class Kind : uint8_t { kScalar, kSimple, kNull };

  Kind kind = Kind::kScalar;
  std::vector<uint64_t> dims;
  std::vector<uint64_t> max_dims;  ///< same length as dims; kUndefined where a dimension may grow forever

  static Dataspace simple(std::vector<uint64_t> dims);
  static Dataspace null() { return {Kind::kNull, {}, {}}; }

  /// Number of elements: 1 for a scalar, 0 for a null space. Decoding made sure that it fits.
  uint64_t elements() const;
};

/// "(2, 3)".
std::string to_string(const std::vector<uint64_t>& dims);

/// Decodes a dataspace message (versions 1 and 2).
Dataspace decode_dataspace(const FileImage& image, std::span<const std::byte> body);

}  // namespace keras::internal::hdf5
