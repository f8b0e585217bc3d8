// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// Numbers of the zip format that its reader and its writer share.
namespace keras::internal::zip {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kLocatorSize = 20;
constexpr size_t kEnd64Size = 56;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = 0xffffffff;  ///< the real number stands in the 64-bit extra field
constexpr uint16_t kUtf8 = 0x0800;
constexpr uint16_t kEncrypted = 0x0001;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

template <class T>
T number_at(std::span<const std::byte> bytes, size_t position) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(bytes[position + i]) << (8 * i);
  return static_cast<T>(value);
}

template <class T>
void append_number(std::string& out, std::type_identity_t<T> value) {
  for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

/// The CRC-32 of bytes, continued from that of the bytes before.
uint32_t checksum(std::span<const std::byte> bytes, uint32_t before = 0);

/// What is wrong with a member's name, or an empty text: names are relative, with '/' between parts, and
/// never lead upwards.
std::string_view name_fault(std::string_view name);

}  // namespace keras::internal::zip
