// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/layout.h"

#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

void take_chunk_dims(Cursor& cursor, Layout& layout, unsigned count, unsigned width) {
  if (count < 2 || count > 33) {
    cursor.reject("chunks must have 1 to 32 dimensions", std::to_string(count) + " with the element's size");
  }
  for (unsigned i = 0; i < count; ++i) {
    const uint64_t dim = cursor.number(width);
    if (dim == 0) cursor.reject("chunk dimensions must be positive");
    layout.chunk_dims.push_back(dim);
  }
  layout.element_size = layout.chunk_dims.back();
  layout.chunk_dims.pop_back();
}

// The index that newer files name explicitly, each with the parameters it was created with. All but the
// single chunk's stand in the index's own header again.
void take_chunk_index(Cursor& cursor, Layout& layout, bool single_filtered) {
  switch (const uint8_t type = cursor.u8(); type) {
    case 1:
      layout.index = ChunkIndex::kSingle;
      if (single_filtered) {
        layout.single_size = cursor.length();
        layout.single_mask = cursor.u32();
      }
      break;
    case 2:
      layout.index = ChunkIndex::kImplicit;
      break;
    case 3:
      layout.index = ChunkIndex::kFixedArray;
      cursor.skip(1);
      break;
    case 4:
      layout.index = ChunkIndex::kExtensibleArray;
      cursor.skip(5);
      break;
    case 5:
      layout.index = ChunkIndex::kBTreeV2;
      cursor.skip(6);
      break;
    default:
      cursor.reject("the chunk index must be of type 1 to 5", std::to_string(type));
  }
}

}  // namespace

Layout decode_layout(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "data layout message", body);
  const uint8_t version = cursor.u8();
  if (version == 1 || version == 2) {
    cursor.refuse("data layouts of files older than HDF5 1.6.3 are not read",
                  "version " + std::to_string(version), "rewrite the file with h5repack");
  }
  if (version < 3 || version > 5) cursor.reject("the version must be 3 to 5", std::to_string(version));
  Layout layout;
  switch (const uint8_t kind = cursor.u8(); kind) {
    case 0:
      layout.kind = Layout::Kind::kCompact;
      layout.compact = cursor.bytes(cursor.u16());
      break;
    case 1:
      layout.address = cursor.offset();
      layout.size = cursor.length();
      break;
    case 2: {
      layout.kind = Layout::Kind::kChunked;
      if (version == 3) {
        const unsigned count = cursor.u8();
        layout.address = cursor.offset();
        take_chunk_dims(cursor, layout, count, 4);
        break;
      }
      const uint8_t flags = cursor.u8();
      layout.edge_unfiltered = (flags & 1) != 0;
      const unsigned count = cursor.u8();
      const unsigned width = cursor.u8();
      take_chunk_dims(cursor, layout, count, width);
      take_chunk_index(cursor, layout, (flags & 2) != 0);
      layout.address = cursor.offset();
      break;
    }
    case 3:
      cursor.refuse("virtual datasets are not read", {}, "write the elements into this file");
    default:
      cursor.reject("the kind of layout must be 0 to 3", std::to_string(kind));
  }
  return layout;
}

}  // namespace keras::internal::hdf5
