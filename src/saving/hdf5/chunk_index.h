// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "saving/hdf5/dataspace.h"
#include "saving/hdf5/layout.h"

namespace keras::internal::hdf5 {

/// One chunk as it is stored.
struct Chunk {
  uint64_t position;  ///< row-major number in the grid of chunks over the dataset
  std::span<const std::byte> stored;
  uint32_t mask;  ///< filters that were skipped
};

/// Number of chunks along each dimension of `dims`.
std::vector<uint64_t> chunk_grid(const std::vector<uint64_t>& dims, const std::vector<uint64_t>& chunk_dims);

/// Bytes of one chunk in memory; ValueError if they do not fit in 64 bits.
uint64_t chunk_bytes(const FileImage& image, const Layout& layout);

/// The chunks that the file holds, by position, each inside the file and none twice.
std::vector<Chunk> list_chunks(const FileImage& image, const Layout& layout, const Dataspace& space,
                               bool filtered);

/// What an array index says of one chunk.
struct ArrayElement {
  uint64_t address;
  uint64_t size;
  uint32_t mask;
};

/// Gets an element's number in the array and the element; missing chunks are left out.
using ArrayVisitor = std::function<void(uint64_t index, const ArrayElement& element)>;

/// Elements of a fixed array. `size` is that of an unfiltered chunk.
void walk_fixed_array(const FileImage& image, uint64_t address, bool filtered, uint64_t size,
                      const ArrayVisitor& visit);

/// Elements of an extensible array.
void walk_extensible_array(const FileImage& image, uint64_t address, bool filtered, uint64_t size,
                           const ArrayVisitor& visit);

}  // namespace keras::internal::hdf5
