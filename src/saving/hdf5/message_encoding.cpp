// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/message_encoding.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "keras/base/error.h"
#include "saving/hdf5/byte_builder.h"

namespace keras::internal::hdf5 {
namespace {

constexpr size_t kMaxMessage = 0xfff8;  // a 16-bit length, in steps of 8

[[noreturn]] void reject(const Attribute& attribute, std::string_view requirement, std::string received,
                         std::string hint = {}) {
  fail<ValueError>(
      {"HDF5 attribute '" + attribute.name + "'", requirement, std::move(received), std::move(hint)});
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

uint64_t float_bits(const Attribute& attribute, double value) {
  if (attribute.type.element == Element::kFloat64) return std::bit_cast<uint64_t>(value);
  if (attribute.type.element == Element::kFloat32) return std::bit_cast<uint32_t>(static_cast<float>(value));
  reject(attribute, "Attributes of floats must be float32 or float64",
         std::string(to_string(attribute.type.element)));
}

void encode_data(const Attribute& attribute, const std::vector<HeapReference>& references, ByteBuilder& out) {
  const Datatype& type = attribute.type;
  const uint64_t count = attribute.space.elements();
  const auto check = [&](bool kind_fits, size_t have) {
    if (!kind_fits || have != count) {
      reject(attribute, "The values must fit the type and the shape",
             std::to_string(have) + " values for " + std::string(to_string(type.element)) + " " +
                 to_string(attribute.space.dims));
    }
  };
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&attribute.data)) {
    check(type.is_integer(), integers->size());
    for (const int64_t value : *integers) out.number(static_cast<uint64_t>(value), type.size);
  } else if (const auto* naturals = std::get_if<std::vector<uint64_t>>(&attribute.data)) {
    check(type.is_integer(), naturals->size());
    for (const uint64_t value : *naturals) out.number(value, type.size);
  } else if (const auto* floats = std::get_if<std::vector<double>>(&attribute.data)) {
    check(type.is_float(), floats->size());
    for (const double value : *floats) out.number(float_bits(attribute, value), type.size);
  } else if (const auto* bytes = std::get_if<std::vector<std::byte>>(&attribute.data)) {
    check(type.element == Element::kOpaque && bytes->size() % type.size == 0, bytes->size() / type.size);
    out.bytes(*bytes);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute.data)) {
    check(type.is_string(), texts->size());
    if (type.element == Element::kVariableString) {
      for (const HeapReference& reference : references) {
        out.number(reference.length, 4).number(reference.collection, 8).number(reference.index, 4);
      }
      return;
    }
    for (const std::string& text : *texts) {
      if (text.size() > type.size) {
        reject(attribute, "Strings must fit the type's " + std::to_string(type.size) + " bytes",
               "'" + text + "'");
      }
      out.bytes(std::as_bytes(std::span(text))).zeros(type.size - text.size());
    }
  } else {
    check(count == 0, 0);
  }
}

}  // namespace

std::vector<std::byte> encode_dataspace(const Dataspace& space) {
  ByteBuilder out;
  if (space.kind == Dataspace::Kind::kNull) {
    out.number(2, 1).zeros(2).number(2, 1);
    return out.take();
  }
  out.number(1, 1).number(space.dims.size(), 1).number(space.dims.empty() ? 0 : 1, 1).zeros(5);
  for (int maximum = 0; maximum < 2; ++maximum) {
    for (const uint64_t dim : space.dims) out.number(dim, 8);
  }
  return out.take();
}

std::vector<std::byte> encode_attribute(const Attribute& attribute,
                                        const std::vector<HeapReference>& references) {
  if (attribute.name.empty() || attribute.name.size() > 1000 ||
      attribute.name.find('\0') != std::string::npos) {
    reject(attribute, "An attribute's name must have 1 to 1000 bytes, none of them 0",
           std::to_string(attribute.name.size()) + " bytes");
  }
  const auto type = encode_datatype(attribute.type);
  const auto space = encode_dataspace(attribute.space);
  // Version 1, which every library reads, knows ASCII names only; version 3 pads nothing.
  const bool ascii = is_ascii(attribute.name);
  const size_t unit = ascii ? 8 : 1;
  ByteBuilder out;
  out.number(ascii ? 1 : 3, 1).zeros(1).number(attribute.name.size() + 1, 2);
  out.number(type.size(), 2).number(space.size(), 2);
  if (!ascii) out.number(1, 1);
  out.text(attribute.name).align(unit).bytes(type).align(unit).bytes(space).align(unit);
  encode_data(attribute, references, out);
  if (out.size() > kMaxMessage) {
    reject(attribute, "An attribute must take less than 64 KiB", std::to_string(out.size()) + " bytes",
           "split it over several attributes, as Keras does, or write a dataset");
  }
  return out.take();
}

std::vector<NewMessage> encode_dataset(const Datatype& type, const Dataspace& space, uint64_t address,
                                       uint64_t size) {
  std::vector<NewMessage> messages;
  messages.push_back({MessageType::kDataspace, 0, encode_dataspace(space)});
  messages.push_back({MessageType::kDatatype, 1, encode_datatype(type)});
  ByteBuilder fill;
  fill.number(2, 1).number(2, 1).number(2, 1).number(1, 1).zeros(4);  // late, if set; the default value
  messages.push_back({MessageType::kFillValue, 1, fill.take()});
  ByteBuilder layout;
  layout.number(3, 1).number(1, 1).number(address, 8).number(size, 8);
  messages.push_back({MessageType::kLayout, 0, layout.take()});
  return messages;
}

std::vector<std::byte> encode_object_header(const std::vector<NewMessage>& messages) {
  if (messages.size() > std::numeric_limits<uint16_t>::max()) {
    fail<ValueError>(
        {"HDF5", "An object must have less than 65,530 attributes", std::to_string(messages.size()), ""});
  }
  ByteBuilder block;
  for (const NewMessage& message : messages) {
    const size_t padded = (message.body.size() + 7) / 8 * 8;
    block.number(static_cast<uint16_t>(message.type), 2).number(padded, 2).number(message.flags, 1).zeros(3);
    block.bytes(message.body).align(8);
  }
  const auto body = block.take();
  ByteBuilder out;
  out.number(1, 1)
      .zeros(1)
      .number(messages.size(), 2)
      .number(1, 4)
      .number(body.size(), 4)
      .zeros(4)
      .bytes(body);
  return out.take();
}

std::vector<std::byte> encode_superblock(uint64_t root, uint64_t root_tree, uint64_t root_heap,
                                         uint64_t end) {
  ByteBuilder out;
  for (const unsigned char c : {0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a}) out.number(c, 1);
  out.zeros(5).number(8, 1).number(8, 1).zeros(1);
  out.number(kSymbolNodeHalf, 2).number(kTreeNodeHalf, 2).zeros(4);
  out.number(0, 8).number(kUndefined, 8).number(end, 8).number(kUndefined, 8);
  out.number(0, 8).number(root, 8).number(1, 4).zeros(4).number(root_tree, 8).number(root_heap, 8);
  return out.take();
}

}  // namespace keras::internal::hdf5
