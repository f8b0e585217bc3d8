// SPDX-License-Identifier: Apache-2.0
// The two array-like chunk indexes of newer files: fixed arrays for datasets with maximum dimensions,
// extensible arrays for those that may grow along one dimension.
#include <bit>
#include <set>

#include "saving/hdf5/checksum.h"
#include "saving/hdf5/chunk_index.h"

namespace keras::internal::hdf5 {
namespace {

/// Reads runs of elements, which are the same in both kinds of array.
class ElementReader {
 public:
  ElementReader(const FileImage& image, bool filtered, uint64_t size, const ArrayVisitor& visit)
      : image_(image), filtered_(filtered), size_(size), visit_(visit) {}

  void set_element_size(const Cursor& header, uint8_t client, unsigned bytes) {
    const unsigned fixed = image_.offset_size + (filtered_ ? 4 : 0);
    if (client != (filtered_ ? 1 : 0) || bytes < fixed || bytes > fixed + (filtered_ ? 8 : 0)) {
      header.reject("elements must fit the dataset's filters", std::to_string(bytes) + " bytes an element");
    }
    bytes_ = bytes;
  }

  void read(Cursor& cursor, uint64_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      ArrayElement element{cursor.offset(), size_, 0};
      if (filtered_) {
        element.size = cursor.number(bytes_ - image_.offset_size - 4);
        element.mask = cursor.u32();
      }
      if (element.address != kUndefined) visit_(first + i, element);
    }
  }

  /// Reads one page: elements and their checksum. Gives the address behind it.
  uint64_t read_page(std::string_view structure, uint64_t address, uint64_t first, uint64_t count,
                     bool present) {
    Cursor cursor(image_, structure, address, span(cursor_check(structure, address, count)) + 4);
    if (present) {
      read(cursor, first, count);
      verify_checksum(cursor);
    }
    return address + span(count) + 4;
  }

  /// Bytes of `count` elements, which must be fewer than the file has bytes.
  uint64_t span(uint64_t count) const { return count * bytes_; }

  uint64_t cursor_check(std::string_view structure, uint64_t address, uint64_t count) const {
    if (count > image_.size()) {
      image_.reject(structure, address, "the elements must lie in the file",
                    std::to_string(count) + " elements");
    }
    return count;
  }

 private:
  const FileImage& image_;
  bool filtered_;
  uint64_t size_;
  const ArrayVisitor& visit_;
  unsigned bytes_ = 0;
};

/// Page bitmaps count from the highest bit of each byte.
bool bit_is_set(std::span<const std::byte> bits, uint64_t index) {
  return (bits[index / 8] & (std::byte{0x80} >> (index % 8))) != std::byte{0};
}

class ExtensibleArray {
 public:
  ExtensibleArray(const FileImage& image, uint64_t address, bool filtered, uint64_t size,
                  const ArrayVisitor& visit)
      : image_(image), elements_(image, filtered, size, visit) {
    Cursor cursor(image, "extensible array header", address, 16 + 6 * image.length_size + image.offset_size);
    cursor.signature("EAHD");
    cursor.version(0);
    client_ = cursor.u8();
    elements_.set_element_size(cursor, client_, cursor.u8());
    const unsigned max_bits = cursor.u8();
    index_elements_ = cursor.u8();
    min_elements_ = cursor.u8();
    min_pointers_ = cursor.u8();
    const unsigned page_bits = cursor.u8();
    for (int i = 0; i < 6; ++i) cursor.length();  // statistics
    index_block_ = cursor.offset();
    verify_checksum(cursor);
    if (max_bits > 64 || page_bits > 32 || !std::has_single_bit(min_elements_) ||
        !std::has_single_bit(min_pointers_) || max_bits < log2(min_elements_)) {
      cursor.reject("the array's parameters must be powers of two in their limits");
    }
    page_elements_ = uint64_t{1} << page_bits;
    offset_bytes_ = (max_bits + 7) / 8;
    super_blocks_ = 1 + max_bits - log2(min_elements_);
  }

  // The index block holds the first elements, then the data blocks of the first super blocks, then the
  // remaining super blocks.
  void read() {
    if (index_block_ == kUndefined) return;
    const unsigned direct = 2 * log2(min_pointers_);
    const uint64_t data_pointers = 2 * (min_pointers_ - 1);
    const uint64_t super_pointers = super_blocks_ > direct ? super_blocks_ - direct : 0;
    const uint64_t pointers = data_pointers + super_pointers;
    Cursor cursor(
        image_, "extensible array index block", index_block_,
        6 + image_.offset_size + elements_.span(index_elements_) + pointers * image_.offset_size + 4);
    take_prefix(cursor, "EAIB", false);
    elements_.read(cursor, 0, index_elements_);
    std::vector<uint64_t> addresses;
    for (uint64_t i = 0; i < pointers; ++i) addresses.push_back(cursor.offset());
    verify_checksum(cursor);
    uint64_t first = index_elements_;
    uint64_t next = 0;
    for (unsigned u = 0; u < super_blocks_ && next < pointers; ++u) {
      const uint64_t blocks = uint64_t{1} << (u / 2);
      const uint64_t count = min_elements_ << ((u + 1) / 2);
      if (u < direct) {
        for (uint64_t k = 0; k < blocks && next < data_pointers; ++k) {
          read_data_block(addresses[next++], first + k * count, count, {}, 0);
        }
      } else {
        read_super_block(addresses[next++], first, blocks, count);
      }
      first += blocks * count;
    }
  }

 private:
  static unsigned log2(uint64_t power) { return static_cast<unsigned>(std::countr_zero(power)); }

  void take_prefix(Cursor& cursor, std::string_view signature, bool with_offset) {
    cursor.signature(signature);
    cursor.version(0);
    if (cursor.u8() != client_) cursor.reject("blocks must be of their array's kind");
    cursor.offset();  // the header
    if (with_offset) cursor.skip(offset_bytes_);
  }

  uint64_t prefix_size() const { return 6 + image_.offset_size + offset_bytes_; }

  bool is_new(const Cursor& cursor, uint64_t address) {
    if (!seen_.insert(address).second) cursor.reject("blocks must not be shared");
    return true;
  }

  void read_super_block(uint64_t address, uint64_t first, uint64_t blocks, uint64_t count) {
    if (address == kUndefined) return;
    const uint64_t pages = count > page_elements_ ? count / page_elements_ : 0;
    const uint64_t bitmap = (pages + 7) / 8;
    constexpr std::string_view kStructure = "extensible array super block";
    if (blocks > image_.size() || bitmap > image_.size() / blocks) {
      image_.reject(kStructure, address, "the block must lie inside the file",
                    std::to_string(blocks) + " blocks");
    }
    Cursor cursor(image_, kStructure, address, prefix_size() + blocks * (bitmap + image_.offset_size) + 4);
    is_new(cursor, address);
    take_prefix(cursor, "EASB", true);
    const auto bits = cursor.bytes(blocks * bitmap);
    std::vector<uint64_t> addresses;
    for (uint64_t i = 0; i < blocks; ++i) addresses.push_back(cursor.offset());
    verify_checksum(cursor);
    for (uint64_t i = 0; i < blocks; ++i)
      read_data_block(addresses[i], first + i * count, count, bits, i * pages);
  }

  void read_data_block(uint64_t address, uint64_t first, uint64_t count, std::span<const std::byte> bits,
                       uint64_t first_page) {
    if (address == kUndefined) return;
    constexpr std::string_view kStructure = "extensible array data block";
    const bool paged = count > page_elements_;
    elements_.cursor_check(kStructure, address, count);
    Cursor cursor(image_, kStructure, address, prefix_size() + (paged ? 0 : elements_.span(count)) + 4);
    is_new(cursor, address);
    take_prefix(cursor, "EADB", true);
    if (!paged) elements_.read(cursor, first, count);
    verify_checksum(cursor);
    if (!paged) return;
    uint64_t at = address + cursor.position();
    for (uint64_t page = 0; page < count / page_elements_; ++page) {
      const uint64_t bit = first_page + page;
      if (bit / 8 >= bits.size()) cursor.reject("pages must be in their super block's bitmap");
      at = elements_.read_page(kStructure, at, first + page * page_elements_, page_elements_,
                               bit_is_set(bits, bit));
    }
  }

  const FileImage& image_;
  ElementReader elements_;
  uint8_t client_ = 0;
  uint64_t index_elements_ = 0;
  uint64_t min_elements_ = 0;
  uint64_t min_pointers_ = 0;
  uint64_t page_elements_ = 0;
  unsigned offset_bytes_ = 0;
  unsigned super_blocks_ = 0;
  uint64_t index_block_ = kUndefined;
  std::set<uint64_t> seen_;
};

}  // namespace

void walk_fixed_array(const FileImage& image, uint64_t address, bool filtered, uint64_t size,
                      const ArrayVisitor& visit) {
  ElementReader elements(image, filtered, size, visit);
  Cursor header(image, "fixed array header", address, 12 + image.length_size + image.offset_size);
  header.signature("FAHD");
  header.version(0);
  const uint8_t client = header.u8();
  elements.set_element_size(header, client, header.u8());
  const unsigned page_bits = header.u8();
  const uint64_t count = header.length();
  const uint64_t block = header.offset();
  verify_checksum(header);
  if (block == kUndefined) return;
  if (page_bits > 32)
    header.reject("a page must have at most 2^32 elements", std::to_string(page_bits) + " bits");
  constexpr std::string_view kStructure = "fixed array data block";
  elements.cursor_check(kStructure, block, count);
  const uint64_t page_elements = uint64_t{1} << page_bits;
  const bool paged = count > page_elements;
  const uint64_t pages = paged ? (count + page_elements - 1) / page_elements : 0;
  Cursor cursor(image, kStructure, block,
                6 + image.offset_size + (paged ? (pages + 7) / 8 : elements.span(count)) + 4);
  cursor.signature("FADB");
  cursor.version(0);
  if (cursor.u8() != client) cursor.reject("blocks must be of their array's kind");
  cursor.offset();  // the header
  const auto bits = cursor.bytes((pages + 7) / 8);
  if (!paged) elements.read(cursor, 0, count);
  verify_checksum(cursor);
  uint64_t at = block + cursor.position();
  for (uint64_t page = 0; page < pages; ++page) {
    const uint64_t first = page * page_elements;
    const uint64_t here = std::min(page_elements, count - first);
    at = elements.read_page(kStructure, at, first, here, bit_is_set(bits, page));
  }
}

void walk_extensible_array(const FileImage& image, uint64_t address, bool filtered, uint64_t size,
                           const ArrayVisitor& visit) {
  ExtensibleArray(image, address, filtered, size, visit).read();
}

}  // namespace keras::internal::hdf5
