// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/object_header.h"

#include <set>

#include "saving/hdf5/checksum.h"
#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {
namespace {

constexpr std::string_view kName = "object header";

struct Block {
  uint64_t address;
  uint64_t size;
};

/// Reads blocks of messages until no continuation is left.
class MessageReader {
 public:
  MessageReader(const FileImage& image, std::vector<Message>& out) : image_(image), out_(out) {}

  void read_version1(uint64_t address) {
    Cursor prefix(image_, kName, address, 16);
    prefix.version(1);
    prefix.skip(1);
    const uint16_t declared = prefix.u16();
    prefix.skip(4);  // reference count
    add({address + 16, prefix.u32()});
    while (!pending_.empty()) {
      const Block block = take();
      Cursor cursor(image_, kName, block.address, block.size);
      while (cursor.remaining() >= 8) {
        const uint16_t type = cursor.u16();
        const uint16_t size = cursor.u16();
        const uint8_t flags = cursor.u8();
        cursor.skip(3);
        take_message(type, flags, cursor.bytes(size));
      }
    }
    // libhdf5 itself does not trust the exact count, which old releases wrote wrongly.
    if (declared != 0 && out_.empty()) prefix.reject("the header must hold its messages", "none");
  }

  void read_version2(uint64_t address) {
    Cursor prefix(image_, kName, address, image_.size() - address);
    prefix.signature("OHDR");
    prefix.version(2);
    const uint8_t flags = prefix.u8();
    if ((flags & 0x20) != 0) prefix.skip(16);  // four times
    if ((flags & 0x10) != 0) prefix.skip(4);   // attribute storage limits
    const uint64_t size = prefix.number(1u << (flags & 3));
    const uint64_t start = address + prefix.position();
    prefix.skip(size);
    verify_checksum(prefix);
    const bool ordered = (flags & 4) != 0;
    read_messages(Cursor(image_, kName, start, size), ordered);
    while (!pending_.empty()) {
      const Block block = take();
      if (block.size < 8)
        image_.reject(kName, block.address, "a continuation block must have at least 8 bytes");
      Cursor whole(image_, kName, block.address, block.size);
      whole.signature("OCHK");
      whole.skip(block.size - 8);
      verify_checksum(whole);
      read_messages(Cursor(image_, kName, block.address + 4, block.size - 8), ordered);
    }
  }

 private:
  void read_messages(Cursor cursor, bool ordered) {
    const uint64_t prefix = ordered ? 6 : 4;
    while (cursor.remaining() >= prefix) {
      const uint16_t type = cursor.u8();
      const uint16_t size = cursor.u16();
      const uint8_t flags = cursor.u8();
      if (ordered) cursor.skip(2);
      take_message(type, flags, cursor.bytes(size));
    }
  }

  void take_message(uint16_t type, uint8_t flags, std::span<const std::byte> body) {
    if (type == static_cast<uint16_t>(MessageType::kContinuation)) {
      Cursor cursor(image_, "continuation message", body);
      const uint64_t address = cursor.offset();
      add({address, cursor.length()});
    } else if (type != static_cast<uint16_t>(MessageType::kNil)) {
      out_.push_back({static_cast<MessageType>(type), flags, body});
    }
  }

  void add(Block block) {
    if (!seen_.insert(block.address).second) {
      image_.reject(kName, block.address, "continuation blocks must not form a cycle");
    }
    // Distinct blocks of a sound file do not overlap, so together they fit into it.
    image_.view(block.address, block.size, kName);
    total_ += block.size;
    if (total_ > image_.size()) {
      image_.reject(kName, block.address, "continuation blocks must not overlap");
    }
    pending_.push_back(block);
  }

  Block take() {
    const Block block = pending_.back();
    pending_.pop_back();
    return block;
  }

  const FileImage& image_;
  std::vector<Message>& out_;
  std::vector<Block> pending_;
  std::set<uint64_t> seen_;
  uint64_t total_ = 0;
};

}  // namespace

ObjectHeader::ObjectHeader(const FileImage& image, uint64_t address) : image_(&image), address_(address) {
  const auto first = image.view(address, 4, kName);
  MessageReader reader(image, messages_);
  if (first[0] == std::byte{'O'}) {
    reader.read_version2(address);
  } else {
    reader.read_version1(address);
  }
}

const Message* ObjectHeader::find(MessageType type) const {
  for (const Message& message : messages_) {
    if (message.type == type) return &message;
  }
  return nullptr;
}

const Message& ObjectHeader::require(MessageType type, std::string_view what) const {
  if (const Message* message = find(type)) return *message;
  image_->reject(kName, address_, "the object must have a " + std::string(what) + " message");
}

std::span<const std::byte> shared_body(const FileImage& image, std::span<const std::byte> body,
                                       MessageType type) {
  Cursor cursor(image, "shared message", body);
  const uint8_t version = cursor.u8();
  const uint8_t kind = cursor.u8();
  if (version == 0 || version > 3) {
    cursor.reject("the shared message's version must be 1 to 3", std::to_string(version));
  }
  if (version == 3 && kind == 1) {
    cursor.refuse("messages shared over the whole file are not read", {},
                  "write the file without shared object header messages");
  }
  if (version == 1) cursor.skip(6);
  const uint64_t address = cursor.offset();
  const ObjectHeader target(image, address);
  const Message& message = target.require(type, "shared");
  if (message.shared()) cursor.reject("a shared message must not point to another shared one");
  return message.body;
}

}  // namespace keras::internal::hdf5
