// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// The file from its superblock on, and where its root group's object header is.
struct Superblock {
  FileImage image;
  uint64_t root;
};

/// Finds and reads the superblock (versions 0 to 3), behind a user block if there is one.
/// ValueError if there is none or the file is shorter than it says.
Superblock read_superblock(std::span<const std::byte> bytes, const std::string& name);

}  // namespace keras::internal::hdf5
