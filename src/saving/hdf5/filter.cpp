// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/filter.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "saving/hdf5/checksum.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

enum Id : uint16_t { kDeflate = 1, kShuffle = 2, kFletcher32 = 3 };

constexpr std::string_view kStructure = "chunk";

/// Inflates a zlib stream of at most `limit` bytes.
std::vector<std::byte> inflate_chunk(const FileImage& image, uint64_t address, std::span<const std::byte> in,
                                     uint64_t limit) {
  // zlib counts in 32 bits; HDF5's chunks are smaller than that.
  if (in.size() > std::numeric_limits<uInt>::max() || limit > std::numeric_limits<uInt>::max()) {
    image.reject(kStructure, address, "a deflated chunk must be smaller than 4 GiB");
  }
  std::vector<std::byte> out(limit);
  z_stream stream{};
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));  // zlib's interface lacks const
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(limit);
  if (inflateInit(&stream) != Z_OK) image.reject(kStructure, address, "zlib must be able to start");
  const int status = inflate(&stream, Z_FINISH);
  const uint64_t produced = stream.total_out;
  inflateEnd(&stream);
  if (status != Z_STREAM_END) {
    image.reject(kStructure, address, "the chunk must be a whole deflate stream of its declared size",
                 "zlib status " + std::to_string(status) + " after " + std::to_string(produced) + " of " +
                     std::to_string(limit) + " bytes",
                 "the file is damaged");
  }
  out.resize(produced);
  return out;
}

/// Undoes the byte transpose; what is left over at the end was not shuffled.
std::vector<std::byte> unshuffle(std::span<const std::byte> in, size_t element_size) {
  std::vector<std::byte> out(in.begin(), in.end());
  const size_t count = element_size == 0 ? 0 : in.size() / element_size;
  for (size_t byte = 0; byte < element_size && count > 1; ++byte) {
    const auto plane = in.subspan(byte * count, count);
    for (size_t i = 0; i < count; ++i) out[i * element_size + byte] = plane[i];
  }
  return out;
}

}  // namespace

FilterPipeline::FilterPipeline(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "filter pipeline message", body);
  const uint8_t version = cursor.u8();
  if (version != 1 && version != 2) cursor.reject("the version must be 1 or 2", std::to_string(version));
  const uint8_t count = cursor.u8();
  if (count > 32) cursor.reject("there must be at most 32 filters", std::to_string(count));
  if (version == 1) cursor.skip(6);
  for (unsigned i = 0; i < count; ++i) {
    Filter filter{cursor.u16(), {}};
    const uint16_t name_size = version == 1 || filter.id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);  // flags
    const uint16_t values = cursor.u16();
    const std::string name = cursor.text(version == 1 ? (name_size + 7) / 8 * 8 : name_size);
    for (unsigned k = 0; k < values; ++k) filter.values.push_back(cursor.u32());
    if (version == 1 && values % 2 == 1) cursor.skip(4);
    if (filter.id != kDeflate && filter.id != kShuffle && filter.id != kFletcher32) {
      cursor.refuse("only the filters deflate, shuffle and fletcher32 are read",
                    "filter " + std::to_string(filter.id) + " '" + name.substr(0, name.find('\0')) + "'",
                    "write the dataset with gzip or without compression");
    }
    if (filter.id == kShuffle && filter.values.empty()) {
      cursor.reject("the shuffle filter must tell the size of an element");
    }
    filters_.push_back(std::move(filter));
  }
}

std::vector<std::byte> FilterPipeline::decode(const FileImage& image, std::span<const std::byte> stored,
                                              uint32_t mask, uint64_t size) const {
  const uint64_t address = image.address_of(stored);
  std::vector<std::byte> bytes;
  std::span<const std::byte> current = stored;
  for (size_t i = filters_.size(); i-- > 0;) {
    if ((mask >> i & 1) != 0) continue;
    const Filter& filter = filters_[i];
    if (filter.id == kDeflate) {
      // Checksums that were appended before the compression come out with the data.
      const auto checksums =
          std::count_if(filters_.begin(), filters_.begin() + static_cast<std::ptrdiff_t>(i),
                        [](const Filter& f) { return f.id == kFletcher32; });
      bytes = inflate_chunk(image, address, current, size + 4 * static_cast<uint64_t>(checksums));
    } else if (filter.id == kShuffle) {
      bytes = unshuffle(current, filter.values[0]);
    } else {
      if (current.size() < 4) image.reject(kStructure, address, "a checked chunk must hold its checksum");
      const auto data = current.first(current.size() - 4);
      uint32_t sum = 0;
      for (size_t k = 0; k < 4; ++k) sum |= static_cast<uint32_t>(current[data.size() + k]) << (8 * k);
      if (const uint32_t computed = fletcher32(data); computed != sum) {
        image.reject(kStructure, address, "the fletcher32 checksum must match",
                     hex(sum) + " stored, " + hex(computed) + " computed", "the file is damaged");
      }
      if (bytes.empty()) {
        bytes.assign(data.begin(), data.end());
      } else {
        bytes.resize(data.size());
      }
    }
    current = bytes;
  }
  if (bytes.empty() && current.size() == stored.size()) bytes.assign(stored.begin(), stored.end());
  if (bytes.size() != size) {
    image.reject(kStructure, address, "a chunk must have the size of its dimensions",
                 std::to_string(bytes.size()) + " bytes where " + std::to_string(size) + " are declared");
  }
  return bytes;
}

}  // namespace keras::internal::hdf5
