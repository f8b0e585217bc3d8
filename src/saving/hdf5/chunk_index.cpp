// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/chunk_index.h"

#include <algorithm>

#include "saving/hdf5/btree_v1.h"
#include "saving/hdf5/btree_v2.h"

namespace keras::internal::hdf5 {
namespace {

constexpr std::string_view kStructure = "chunk index";

class ChunkLister {
 public:
  ChunkLister(const FileImage& image, const Layout& layout, const Dataspace& space, bool filtered)
      : image_(image),
        layout_(layout),
        space_(space),
        filtered_(filtered),
        bytes_(chunk_bytes(image, layout)),
        grid_(chunk_grid(space.dims, layout.chunk_dims)) {}

  std::vector<Chunk> list() {
    if (layout_.address != kUndefined) {
      switch (layout_.index) {
        case ChunkIndex::kBTreeV1:
          list_btree_v1();
          break;
        case ChunkIndex::kSingle:
          add(std::vector<uint64_t>(rank(), 0), layout_.address, filtered_ ? layout_.single_size : bytes_,
              layout_.single_mask);
          break;
        case ChunkIndex::kImplicit:
          list_implicit();
          break;
        case ChunkIndex::kFixedArray:
          walk_fixed_array(image_, layout_.address, filtered_, bytes_, array_visitor(max_grid(), 0));
          break;
        case ChunkIndex::kExtensibleArray:
          walk_extensible_array(image_, layout_.address, filtered_, bytes_,
                                array_visitor(max_grid(), unlimited_dimension()));
          break;
        case ChunkIndex::kBTreeV2:
          list_btree_v2();
          break;
      }
    }
    std::sort(chunks_.begin(), chunks_.end(),
              [](const Chunk& a, const Chunk& b) { return a.position < b.position; });
    for (size_t i = 1; i < chunks_.size(); ++i) {
      if (chunks_[i].position == chunks_[i - 1].position) reject("a chunk must stand in the index once");
    }
    return std::move(chunks_);
  }

 private:
  [[noreturn]] void reject(std::string_view requirement, std::string received = {}) const {
    image_.reject(kStructure, layout_.address, requirement, std::move(received));
  }

  size_t rank() const { return grid_.size(); }

  // Takes a chunk by its place in the grid. Array indexes also count chunks that the dataset may grow into.
  void add(const std::vector<uint64_t>& place, uint64_t address, uint64_t size, uint32_t mask) {
    uint64_t position = 0;
    for (size_t i = 0; i < rank(); ++i) {
      if (place[i] >= grid_[i]) return;
      position = position * grid_[i] + place[i];
    }
    const auto stored = image_.view(address, size, "chunk");
    total_ += size;
    if (total_ > image_.size()) reject("chunks must not overlap");
    chunks_.push_back({position, stored, mask});
  }

  // Keys are the stored size, the filter mask and the first element's place, which ends with a zero for the
  // element itself.
  void list_btree_v1() {
    walk_btree_v1(image_, layout_.address, BTreeV1Type::kChunks, 8 + 8 * (rank() + 1),
                  [&](Cursor key, uint64_t child) {
                    const uint64_t size = key.u32();
                    const uint32_t mask = key.u32();
                    std::vector<uint64_t> place;
                    for (size_t i = 0; i < rank(); ++i) {
                      const uint64_t start = key.number(8);
                      if (start % layout_.chunk_dims[i] != 0) {
                        key.reject("chunks must begin at multiples of their size", std::to_string(start));
                      }
                      place.push_back(start / layout_.chunk_dims[i]);
                    }
                    add(place, child, size, mask);
                  });
  }

  void list_btree_v2() {
    const BTreeV2 tree = read_btree_v2(image_, layout_.address,
                                       filtered_ ? BTreeV2Type::kFilteredChunks : BTreeV2Type::kChunks);
    const uint64_t fixed = image_.offset_size + 8 * rank() + (filtered_ ? 4 : 0);
    if (tree.record_size < fixed || tree.record_size > fixed + (filtered_ ? 8 : 0)) {
      reject("chunk records must fit the dataset's rank",
             std::to_string(tree.record_size) + " bytes a record");
    }
    for (const auto& record : tree.records) {
      Cursor cursor(image_, "chunk record", record);
      const uint64_t address = cursor.offset();
      uint64_t size = bytes_;
      uint32_t mask = 0;
      if (filtered_) {
        size = cursor.number(static_cast<unsigned>(tree.record_size - fixed));
        mask = cursor.u32();
      }
      std::vector<uint64_t> place;
      for (size_t i = 0; i < rank(); ++i) place.push_back(cursor.number(8));
      add(place, address, size, mask);
    }
  }

  // All chunks one after the other, counted over the largest shape.
  void list_implicit() {
    uint64_t count = 1;
    for (const uint64_t n : max_grid()) {
      if (__builtin_mul_overflow(count, n, &count) || count > image_.size()) {
        reject("chunks without an index must all lie in the file");
      }
    }
    const auto visit = array_visitor(max_grid(), 0);
    for (uint64_t i = 0; i < count; ++i) {
      if (bytes_ > image_.size()) reject("chunks must lie in the file");
      visit(i, {layout_.address + i * bytes_, bytes_, 0});
    }
  }

  std::vector<uint64_t> max_grid() const { return chunk_grid(space_.max_dims, layout_.chunk_dims); }

  size_t unlimited_dimension() const {
    const auto found = std::find(space_.max_dims.begin(), space_.max_dims.end(), kUndefined);
    if (found == space_.max_dims.end()) reject("an extensible array needs a dimension without limit");
    return static_cast<size_t>(found - space_.max_dims.begin());
  }

  // Array elements are numbered row-major over `grid`, with dimension `first` moved to the front.
  ArrayVisitor array_visitor(const std::vector<uint64_t>& grid, size_t first) {
    std::vector<size_t> order{first};
    for (size_t i = 0; i < rank(); ++i) {
      if (i != first) order.push_back(i);
    }
    return [this, grid, order](uint64_t index, const ArrayElement& element) {
      std::vector<uint64_t> place(rank());
      for (size_t k = rank(); k-- > 1;) {
        const uint64_t n = grid[order[k]];
        if (n == 0) return;
        place[order[k]] = index % n;
        index /= n;
      }
      place[order[0]] = index;
      add(place, element.address, element.size, element.mask);
    };
  }

  const FileImage& image_;
  const Layout& layout_;
  const Dataspace& space_;
  bool filtered_;
  uint64_t bytes_;
  std::vector<uint64_t> grid_;
  uint64_t total_ = 0;
  std::vector<Chunk> chunks_;
};

}  // namespace

std::vector<uint64_t> chunk_grid(const std::vector<uint64_t>& dims, const std::vector<uint64_t>& chunk_dims) {
  std::vector<uint64_t> grid;
  for (size_t i = 0; i < dims.size(); ++i) {
    grid.push_back(dims[i] / chunk_dims[i] + (dims[i] % chunk_dims[i] != 0 ? 1 : 0));
  }
  return grid;
}

uint64_t chunk_bytes(const FileImage& image, const Layout& layout) {
  uint64_t bytes = layout.element_size;
  for (const uint64_t dim : layout.chunk_dims) {
    if (__builtin_mul_overflow(bytes, dim, &bytes)) {
      image.reject(kStructure, layout.address, "a chunk's size must fit in 64 bits",
                   to_string(layout.chunk_dims));
    }
  }
  return bytes;
}

std::vector<Chunk> list_chunks(const FileImage& image, const Layout& layout, const Dataspace& space,
                               bool filtered) {
  return ChunkLister(image, layout, space, filtered).list();
}

}  // namespace keras::internal::hdf5
