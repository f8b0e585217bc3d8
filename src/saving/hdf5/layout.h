// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// The structure that finds a dataset's chunks.
enum class ChunkIndex : uint8_t { kBTreeV1, kSingle, kImplicit, kFixedArray, kExtensibleArray, kBTreeV2 };

/// Where a dataset's elements are.
struct Layout {
  enum class Kind : uint8_t { kCompact, kContiguous, kChunked };

  Kind kind = Kind::kContiguous;
  std::span<const std::byte> compact;  ///< the elements themselves
  uint64_t address = kUndefined;       ///< of the elements or of the chunk index
  uint64_t size = 0;                   ///< of contiguous elements

  // Chunked only.
  std::vector<uint64_t> chunk_dims;  ///< without the last number of the message, the element's size
  uint64_t element_size = 0;
  ChunkIndex index = ChunkIndex::kBTreeV1;
  bool edge_unfiltered = false;  ///< chunks that reach over the dataset's edge went through no filter
  uint64_t single_size = 0;      ///< of a single filtered chunk
  uint32_t single_mask = 0;
};

/// Decodes a data layout message (versions 3 to 5). UnsupportedError for virtual datasets and the layouts of
/// files older than HDF5 1.6.3.
Layout decode_layout(const FileImage& image, std::span<const std::byte> body);

}  // namespace keras::internal::hdf5
