// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "keras/base/error.h"
#include "saving/hdf5/cursor.h"
#include "saving/hdf5/open_file.h"
#include "saving/hdf5/reader.h"

namespace keras::internal::hdf5 {
namespace {

/// What may be allocated whatever the file holds, for datasets that are all fill value.
constexpr uint64_t kFreeBytes = uint64_t{16} << 20;
/// deflate cannot do better: 258 bytes in 2 bits.
constexpr uint64_t kMaxExpansion = 1032;

bool may_expand_to(uint64_t stored, uint64_t bytes) {
  return bytes <= kFreeBytes || (bytes - kFreeBytes) / kMaxExpansion <= stored;
}

std::span<const std::byte> decode_fill_value(const FileImage& image, std::span<const std::byte> body,
                                             uint64_t size) {
  Cursor cursor(image, "fill value message", body);
  const uint8_t version = cursor.u8();
  if (version < 1 || version > 3) cursor.reject("the version must be 1 to 3", std::to_string(version));
  bool defined = true;
  if (version == 3) {
    defined = (cursor.u8() & 0x20) != 0;
  } else {
    cursor.skip(2);
    defined = cursor.u8() != 0 || version == 1;
  }
  if (!defined || cursor.remaining() < 4) return {};
  const auto value = cursor.bytes(std::min<uint64_t>(cursor.u32(), cursor.remaining()));
  return value.size() == size ? value : std::span<const std::byte>{};
}

/// Copies the part of a chunk that lies in the dataset.
class ChunkCopy {
 public:
  ChunkCopy(const std::vector<uint64_t>& dims, const std::vector<uint64_t>& chunk_dims, uint64_t element_size)
      : dims_(dims),
        chunk_dims_(chunk_dims),
        grid_(chunk_grid(dims, chunk_dims)),
        element_size_(element_size) {}

  bool is_edge(uint64_t position) const {
    const auto start = start_of(position);
    for (size_t i = 0; i < dims_.size(); ++i) {
      if (chunk_dims_[i] > dims_[i] - start[i]) return true;
    }
    return false;
  }

  void copy(uint64_t position, std::span<const std::byte> chunk, std::span<std::byte> out) const {
    const size_t rank = dims_.size();
    const auto start = start_of(position);
    std::vector<uint64_t> count(rank);
    for (size_t i = 0; i < rank; ++i) count[i] = std::min(chunk_dims_[i], dims_[i] - start[i]);
    const size_t run = static_cast<size_t>(count[rank - 1] * element_size_);
    std::vector<uint64_t> at(rank, 0);  // inside the chunk; the last stays 0
    for (;;) {
      uint64_t from = 0;
      uint64_t to = 0;
      for (size_t i = 0; i < rank; ++i) {
        from = from * chunk_dims_[i] + at[i];
        to = to * dims_[i] + start[i] + at[i];
      }
      std::memcpy(out.data() + to * element_size_, chunk.data() + from * element_size_, run);
      size_t i = rank - 1;
      while (i > 0 && ++at[i - 1] == count[i - 1]) at[--i] = 0;
      if (i == 0) return;
    }
  }

 private:
  std::vector<uint64_t> start_of(uint64_t position) const {
    std::vector<uint64_t> start(dims_.size());
    for (size_t i = dims_.size(); i-- > 0;) {
      start[i] = position % grid_[i] * chunk_dims_[i];
      position /= grid_[i];
    }
    return start;
  }

  const std::vector<uint64_t>& dims_;
  const std::vector<uint64_t>& chunk_dims_;
  std::vector<uint64_t> grid_;
  uint64_t element_size_;
};

}  // namespace

Dataset::Dataset(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path)
    : Object(std::move(file), std::move(header), std::move(path)) {
  const FileImage& in = image();
  type_ = read_datatype(in, header_.require(MessageType::kDatatype, "datatype"));
  const Message& space = header_.require(MessageType::kDataspace, "dataspace");
  space_ = decode_dataspace(in, space.shared() ? shared_body(in, space.body, space.type) : space.body);
  layout_ = decode_layout(in, header_.require(MessageType::kLayout, "data layout").body);
  if (header_.find(MessageType::kExternalFiles) != nullptr) {
    in.refuse("dataset", header_.address(), "elements in other files are not read", path_,
              "write the elements into this file");
  }
  if (__builtin_mul_overflow(space_.elements(), uint64_t{type_.size}, &bytes_)) {
    in.reject("dataset", header_.address(), "the size must fit in 64 bits",
              path_ + " " + to_string(space_.dims));
  }
  if (const Message* filters = header_.find(MessageType::kFilters)) {
    filters_ =
        FilterPipeline(in, filters->shared() ? shared_body(in, filters->body, filters->type) : filters->body);
  }
  if (const Message* fill = header_.find(MessageType::kFillValue)) {
    fill_value_ = decode_fill_value(in, fill->shared() ? shared_body(in, fill->body, fill->type) : fill->body,
                                    type_.size);
  }
  if (layout_.kind == Layout::Kind::kChunked) {
    if (layout_.chunk_dims.size() != space_.dims.size() || layout_.element_size != type_.size) {
      in.reject("dataset", header_.address(), "chunks must have the dataset's rank and element size", path_);
    }
    if (bytes_ != 0) chunks_ = list_chunks(in, layout_, space_, !filters_.empty());
  }
  check_size();
  if (type_.element == Element::kOpaque && type_.size == 2) {
    const auto dtype = find_attribute("dtype");
    const auto* text = dtype ? std::get_if<std::vector<std::string>>(&dtype->data) : nullptr;
    if (text && text->size() == 1 && text->front() == "bfloat16") type_.element = Element::kBFloat16;
  }
}

void Dataset::check_size() const {
  const auto reject = [&](std::string_view requirement, uint64_t stored) {
    image().reject(
        "dataset", header_.address(), requirement,
        path_ + " of shape " + to_string(space_.dims) + " with " + std::to_string(stored) + " bytes stored",
        "the file is damaged");
  };
  switch (layout_.kind) {
    case Layout::Kind::kCompact:
      if (layout_.compact.size() < bytes_)
        reject("the dataset must hold its elements", layout_.compact.size());
      break;
    case Layout::Kind::kContiguous:
      if (layout_.address == kUndefined) {
        if (!may_expand_to(0, bytes_)) reject("a dataset of this size must have elements", 0);
      } else {
        if (layout_.size < bytes_) reject("the dataset must hold its elements", layout_.size);
        image().view(layout_.address, bytes_, "dataset " + path_);
      }
      break;
    case Layout::Kind::kChunked: {
      uint64_t stored = 0;
      for (const Chunk& chunk : chunks_) stored += chunk.stored.size();
      if (!may_expand_to(stored, bytes_))
        reject("the dataset must not be larger than its chunks can hold", stored);
      break;
    }
  }
}

std::optional<std::span<const std::byte>> Dataset::view() const {
  std::byte probe[2] = {std::byte{1}, std::byte{0}};
  Datatype order = Datatype::of(Element::kUint16);
  order.big_endian = type_.big_endian;
  to_native_order(order, probe);
  const bool native = probe[0] == std::byte{1} || type_.size == 1;
  if (!native || type_.element == Element::kVariableString) return std::nullopt;
  if (layout_.kind == Layout::Kind::kCompact) return layout_.compact.first(bytes_);
  if (layout_.kind == Layout::Kind::kContiguous && layout_.address != kUndefined) {
    return image().view(layout_.address, bytes_, "dataset");
  }
  return std::nullopt;
}

void Dataset::fill(std::span<std::byte> out) const {
  std::fill(out.begin(), out.end(), std::byte{0});
  if (fill_value_.empty()) return;
  for (size_t i = 0; i + type_.size <= out.size(); i += type_.size) {
    std::copy(fill_value_.begin(), fill_value_.end(), out.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Dataset::read_stored(std::span<std::byte> out) const {
  if (out.empty()) return;
  if (layout_.kind == Layout::Kind::kCompact) {
    std::memcpy(out.data(), layout_.compact.data(), out.size());
    return;
  }
  if (layout_.kind == Layout::Kind::kContiguous) {
    if (layout_.address == kUndefined) return fill(out);
    std::memcpy(out.data(), image().view(layout_.address, out.size(), "dataset").data(), out.size());
    return;
  }
  const ChunkCopy copier(space_.dims, layout_.chunk_dims, type_.size);
  uint64_t all = 1;
  for (const uint64_t n : chunk_grid(space_.dims, layout_.chunk_dims)) all *= n;
  if (chunks_.size() < all) fill(out);
  const uint64_t size = chunk_bytes(image(), layout_);
  for (const Chunk& chunk : chunks_) {
    const bool plain = filters_.empty() || (layout_.edge_unfiltered && copier.is_edge(chunk.position));
    if (plain) {
      if (chunk.stored.size() != size) {
        image().reject(
            "chunk", image().address_of(chunk.stored), "a chunk must have the size of its dimensions",
            std::to_string(chunk.stored.size()) + " bytes where " + std::to_string(size) + " are declared");
      }
      copier.copy(chunk.position, chunk.stored, out);
    } else {
      if (!may_expand_to(chunk.stored.size(), size)) {
        image().reject("chunk", image().address_of(chunk.stored),
                       "a chunk must not be larger than it can hold",
                       std::to_string(size) + " bytes from " + std::to_string(chunk.stored.size()));
      }
      copier.copy(chunk.position, filters_.decode(image(), chunk.stored, chunk.mask, size), out);
    }
  }
}

void Dataset::read_into(std::span<std::byte> out) const {
  if (type_.element == Element::kVariableString) {
    fail<TypeError>({image().name() + ":" + path_, "Strings of variable length have no bytes to copy", "",
                     "read them with strings()"});
  }
  if (out.size() != bytes_) {
    fail<ValueError>({image().name() + ":" + path_, "The target must have the dataset's size",
                      std::to_string(out.size()) + " bytes for " + std::to_string(bytes_), ""});
  }
  read_stored(out);
  to_native_order(type_, out);
}

std::vector<std::byte> Dataset::read() const {
  std::vector<std::byte> out(type_.element == Element::kVariableString ? 0 : bytes_);
  read_into(out);
  return out;
}

std::vector<std::string> Dataset::strings() const {
  if (!type_.is_string()) {
    fail<TypeError>({image().name() + ":" + path_, "The dataset must hold strings",
                     std::string(to_string(type_.element)), ""});
  }
  std::vector<std::byte> elements(bytes_);
  read_stored(elements);
  return decode_strings(image(), type_, space_.elements(), elements);
}

}  // namespace keras::internal::hdf5
