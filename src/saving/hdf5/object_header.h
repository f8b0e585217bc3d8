// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// Numbers of the header messages that are read or written here.
enum class MessageType : uint16_t {
  kNil = 0x00,
  kDataspace = 0x01,
  kLinkInfo = 0x02,
  kDatatype = 0x03,
  kFillValue = 0x05,
  kLink = 0x06,
  kExternalFiles = 0x07,
  kLayout = 0x08,
  kFilters = 0x0b,
  kAttribute = 0x0c,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kAttributeInfo = 0x15,
};

struct Message {
  MessageType type;
  uint8_t flags;
  std::span<const std::byte> body;

  bool shared() const { return (flags & 2) != 0; }
};

/// One object's messages (header versions 1 and 2), gathered over its continuation blocks.
class ObjectHeader {
 public:
  ObjectHeader(const FileImage& image, uint64_t address);

  uint64_t address() const { return address_; }
  const std::vector<Message>& messages() const { return messages_; }

  /// The first message of a type, or nullptr.
  const Message* find(MessageType type) const;

  /// The first message of a type; ValueError naming `what` if there is none.
  const Message& require(MessageType type, std::string_view what) const;

 private:
  const FileImage* image_;
  uint64_t address_;
  std::vector<Message> messages_;
};

/// A message's body, which for a shared one (a committed datatype) stands in another object's header.
/// `body` begins at the message or, inside an attribute, at the part that the attribute marks as shared.
std::span<const std::byte> shared_body(const FileImage& image, std::span<const std::byte> body,
                                       MessageType type);

}  // namespace keras::internal::hdf5
