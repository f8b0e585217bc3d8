// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/superblock.h"

#include <algorithm>
#include <array>

#include "keras/base/error.h"
#include "saving/hdf5/checksum.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

bool has_signature(std::span<const std::byte> bytes) {
  return bytes.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), bytes.begin(),
                    [](unsigned char want, std::byte have) { return std::byte{want} == have; });
}

void set_widths(FileImage& image, Cursor& cursor) {
  image.offset_size = cursor.u8();
  image.length_size = cursor.u8();
  for (const unsigned width : {image.offset_size, image.length_size}) {
    if (width != 2 && width != 4 && width != 8) {
      cursor.reject("addresses and lengths must have 2, 4 or 8 bytes", std::to_string(width) + " bytes");
    }
  }
}

}  // namespace

Superblock read_superblock(std::span<const std::byte> bytes, const std::string& name) {
  // The signature stands at 0, 512, 1024, 2048 ...: a user block may come before it.
  uint64_t start = 0;
  while (start < bytes.size() && !has_signature(bytes.subspan(start))) start = start == 0 ? 512 : start * 2;
  if (start >= bytes.size()) {
    fail<ValueError>({name, "An HDF5 file must begin with the HDF5 signature",
                      std::to_string(bytes.size()) + " bytes without it",
                      "the file is damaged or has another format"});
  }
  Superblock result{FileImage(bytes.subspan(start), name), 0};
  FileImage& image = result.image;
  Cursor cursor(image, "superblock", 0, image.size());
  cursor.skip(kSignature.size());
  const uint8_t version = cursor.u8();
  uint64_t base = 0;
  uint64_t end = 0;
  if (version <= 1) {
    cursor.skip(4);
    set_widths(image, cursor);
    cursor.skip(version == 1 ? 13 : 9);
    base = cursor.offset();
    cursor.offset();  // free space
    end = cursor.offset();
    cursor.offset();  // driver information
    cursor.length();  // the root entry's name
    result.root = cursor.offset();
  } else if (version <= 3) {
    set_widths(image, cursor);
    cursor.skip(1);
    base = cursor.offset();
    cursor.offset();  // superblock extension: nothing in it is needed for reading
    end = cursor.offset();
    result.root = cursor.offset();
    verify_checksum(cursor);
  } else {
    cursor.reject("the superblock's version must be 0 to 3", std::to_string(version));
  }
  // The end counts from the file's start. Addresses count from the superblock, even where a user block was
  // put before the file later and the stored base tells otherwise.
  if (base > end || end - base > image.size()) {
    cursor.reject(
        "the file must be as long as its superblock says",
        std::to_string(image.size()) + " bytes where " + std::to_string(end - base) + " were written",
        "the file was cut off");
  }
  return result;
}

}  // namespace keras::internal::hdf5
