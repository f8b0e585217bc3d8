// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <memory>

#include "keras/base/error.h"
#include "keras/data/datasets.h"

namespace keras {

namespace {

struct GzClose {
  void operator()(gzFile_s* f) const { gzclose(f); }
};
using GzHandle = std::unique_ptr<gzFile_s, GzClose>;

[[noreturn]] void broken(const std::string& path, const std::string& what) {
  internal::fail<ValueError>({"load_idx", "The file must be a whole IDX file", path + ": " + what, ""});
}

void read_exactly(gzFile_s* f, const std::string& path, void* destination, size_t bytes) {
  auto* at = static_cast<unsigned char*>(destination);
  while (bytes > 0) {
    const auto chunk = static_cast<unsigned>(std::min<size_t>(bytes, 1u << 24));
    const int got = gzread(f, at, chunk);
    if (got <= 0) broken(path, "it ends too early");
    at += got;
    bytes -= static_cast<size_t>(got);
  }
}

DType dtype_of_code(const std::string& path, uint8_t code) {
  switch (code) {
    case 0x08:
      return DType::uint8;
    case 0x09:
      return DType::int8;
    case 0x0b:
      return DType::int16;
    case 0x0c:
      return DType::int32;
    case 0x0d:
      return DType::float32;
    case 0x0e:
      return DType::float64;
    default:
      broken(path, fmt::format("unknown element type 0x{:02x}", code));
  }
}

// IDX numbers are big-endian.
void swap_elements(std::vector<unsigned char>& bytes, size_t width) {
  for (size_t i = 0; width > 1 && i + width <= bytes.size(); i += width) {
    for (size_t k = 0; k < width / 2; ++k) std::swap(bytes[i + k], bytes[i + width - 1 - k]);
  }
}

}  // namespace

Tensor load_idx(const std::string& path) {
  const GzHandle file(gzopen(path.c_str(), "rb"));
  if (!file) {
    internal::fail<ValueError>({"load_idx", "The file must exist and be readable", path, ""});
  }
  gzbuffer(file.get(), 1u << 20);
  std::array<unsigned char, 4> magic{};
  read_exactly(file.get(), path, magic.data(), magic.size());
  if (magic[0] != 0 || magic[1] != 0 || magic[3] == 0 || magic[3] > 8) broken(path, "no IDX header");
  const DType dtype = dtype_of_code(path, magic[2]);
  Shape shape;
  uint64_t count = 1;
  for (int i = 0; i < magic[3]; ++i) {
    std::array<unsigned char, 4> d{};
    read_exactly(file.get(), path, d.data(), d.size());
    const uint32_t extent = uint32_t{d[0]} << 24 | uint32_t{d[1]} << 16 | uint32_t{d[2]} << 8 | d[3];
    shape.push_back(static_cast<int64_t>(extent));
    if (extent != 0 && count > (uint64_t{1} << 36) / extent) {
      broken(path, "it claims more elements than a data set has");
    }
    count *= extent;
  }
  // Read in steps, so that a false header costs no more memory than the file has bytes.
  const size_t total = static_cast<size_t>(count) * dtype_size(dtype);
  std::vector<unsigned char> bytes;
  while (bytes.size() < total) {
    const size_t step = std::min<size_t>(total - bytes.size(), size_t{1} << 24);
    bytes.resize(bytes.size() + step);
    read_exactly(file.get(), path, bytes.data() + bytes.size() - step, step);
  }
  unsigned char further = 0;
  if (gzread(file.get(), &further, 1) != 0) broken(path, "it has more bytes than its header says");
  swap_elements(bytes, dtype_size(dtype));
  const auto held = std::make_shared<std::vector<unsigned char>>(std::move(bytes));
  return Tensor::borrow(held->data(), shape, dtype, [held] {});
}

}  // namespace keras
