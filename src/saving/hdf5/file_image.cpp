// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/file_image.h"

#include <array>
#include <charconv>

#include "keras/base/error.h"

namespace keras::internal::hdf5 {
namespace {

template <class E>
[[noreturn]] void throw_at(const FileImage& image, std::string_view structure, uint64_t address,
                           std::string_view requirement, std::string received, std::string hint) {
  std::string sentence(requirement);
  sentence.append(" (").append(structure).append(" at ").append(hex(address)).append(")");
  fail<E>({image.name(), sentence, std::move(received), std::move(hint)});
}

}  // namespace

std::string hex(uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::span<const std::byte> FileImage::view(uint64_t address, uint64_t size,
                                           std::string_view structure) const {
  if (address > bytes_.size() || size > bytes_.size() - address) {
    reject(structure, address, "every HDF5 structure must lie inside the file",
           std::to_string(size) + " bytes at " + hex(address) + " of a file of " +
               std::to_string(bytes_.size()) + " bytes",
           "the file is damaged or was not written to its end");
  }
  return bytes_.subspan(address, size);
}

void FileImage::reject(std::string_view structure, uint64_t address, std::string_view requirement,
                       std::string received, std::string hint) const {
  throw_at<ValueError>(*this, structure, address, requirement, std::move(received), std::move(hint));
}

void FileImage::refuse(std::string_view structure, uint64_t address, std::string_view requirement,
                       std::string received, std::string hint) const {
  throw_at<UnsupportedError>(*this, structure, address, requirement, std::move(received), std::move(hint));
}

}  // namespace keras::internal::hdf5
