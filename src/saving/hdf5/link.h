// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saving/hdf5/object_header.h"

namespace keras::internal::hdf5 {

/// One name in a group.
struct Link {
  enum class Kind : uint8_t { kHard, kSoft, kExternal };

  std::string name;
  Kind kind = Kind::kHard;
  uint64_t address = kUndefined;  ///< of the object header; hard links only
  std::string target;             ///< of a soft or external link
  std::optional<uint64_t> creation_order;
};

/// Whether the object is a group (of the old or the new kind).
bool is_group(const ObjectHeader& header);

/// All links of a group, sorted by the bytes of their names. ValueError for a name that stands twice.
std::vector<Link> read_links(const FileImage& image, const ObjectHeader& header);

}  // namespace keras::internal::hdf5
