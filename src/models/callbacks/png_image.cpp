// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "keras/base/error.h"
#include "models/callbacks/event_file.h"

namespace keras::internal {

namespace {

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xffu);
  return out;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(static_cast<uint32_t>(crc));
}

}  // namespace

std::string png_image(int64_t width, int64_t height, int64_t channels, std::span<const uint8_t> pixels) {
  // Colour types of the PNG specification: grey, RGB, RGB with alpha.
  const int type = channels == 1 ? 0 : channels == 3 ? 2 : 6;
  const auto row = static_cast<size_t>(width * channels);
  std::string raw;
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    raw += '\0';  // no filter
    raw.append(reinterpret_cast<const char*>(pixels.data()) + y * row, row);
  }
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                static_cast<uLong>(raw.size()), Z_BEST_SPEED) != Z_OK) {
    fail<ValueError>({"TensorBoard", "An image must be possible to compress", "zlib refused it", ""});
  }
  packed.resize(size);
  const std::string header = big_endian(static_cast<uint32_t>(width)) +
                             big_endian(static_cast<uint32_t>(height)) + '\x08' + static_cast<char>(type) +
                             std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", packed) + chunk("IEND", "");
}

}  // namespace keras::internal
