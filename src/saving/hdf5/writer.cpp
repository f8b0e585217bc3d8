// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/writer.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "keras/base/error.h"
#include "saving/hdf5/byte_builder.h"
#include "saving/hdf5/message_encoding.h"
#include "saving/hdf5/symbol_table.h"

namespace keras::internal::hdf5 {
namespace {

constexpr size_t kMaxDepth = 256;
constexpr std::string_view kWhere = "HDF5 writer";

}  // namespace

struct Writer::Node {
  struct Elements {
    Datatype type;
    Dataspace space;
    uint64_t address;
    uint64_t size;
  };

  std::map<std::string, std::unique_ptr<Node>> children;  // by bytes, the order of a symbol table
  std::vector<Attribute> attributes;
  std::vector<std::vector<HeapReference>> references;  // per attribute
  std::optional<Elements> elements;                    // datasets only
};

/// Writes the strings of all attributes, then every object behind those it leads to.
class Writer::Finisher {
 public:
  explicit Finisher(Writer& writer) : writer_(writer) {}

  void run() {
    writer_.align();
    place_strings(*writer_.root_);
    flush_strings();
    const Symbol root = write_object("", *writer_.root_);
    const auto superblock = encode_superblock(root.header, root.tree, root.heap, writer_.position_);
    writer_.sink_.rewrite(0, superblock);
  }

 private:
  static constexpr size_t kCollectionSize = 4096;  // the least that HDF5 takes
  static constexpr size_t kCollectionHeader = 16;

  // Paths have at most kMaxDepth parts, which limits the recursion here and below.
  void place_strings(Node& node) {
    for (const Attribute& attribute : node.attributes) {
      auto& references = node.references.emplace_back();
      const auto* texts = std::get_if<std::vector<std::string>>(&attribute.data);
      if (texts == nullptr || attribute.type.element != Element::kVariableString) continue;
      for (const std::string& text : *texts) references.push_back(place_string(text));
    }
    for (auto& [name, child] : node.children) place_strings(*child);
  }

  // Nothing else is written between collections, so the open one will stand at the current position.
  HeapReference place_string(std::string_view text) {
    if (text.empty()) return {0, 0, 0};
    const size_t padded = (text.size() + 7) / 8 * 8;
    if (next_index_ > 1 && kCollectionHeader + objects_.size() + 16 + padded > kCollectionSize)
      flush_strings();
    objects_.number(next_index_, 2).zeros(6).number(text.size(), 8);
    objects_.bytes(std::as_bytes(std::span(text))).align(8);
    return {static_cast<uint32_t>(text.size()), writer_.position_, next_index_++};
  }

  void flush_strings() {
    if (next_index_ == 1) return;
    const auto objects = objects_.take();
    const size_t size = std::max(kCollectionSize, kCollectionHeader + objects.size());
    const size_t free = size - kCollectionHeader - objects.size();
    ByteBuilder out;
    out.bytes(std::as_bytes(std::span("GCOL", 4))).number(1, 1).zeros(3).number(size, 8).bytes(objects);
    if (free >= 16) out.zeros(8).number(free, 8);
    out.zeros(size - out.size());
    writer_.append(out.take());
    next_index_ = 1;
  }

  Symbol write_object(const std::string& name, const Node& node) {
    Symbol symbol{name, 0};
    std::vector<NewMessage> messages;
    if (node.elements) {
      const auto& e = *node.elements;
      messages = encode_dataset(e.type, e.space, e.address, e.size);
    } else {
      std::vector<Symbol> children;
      for (const auto& [child_name, child] : node.children)
        children.push_back(write_object(child_name, *child));
      writer_.align();
      const SymbolTable table = encode_symbol_table(children, writer_.position_);
      writer_.append(table.bytes);
      symbol.is_group = true;
      symbol.tree = table.tree;
      symbol.heap = table.heap;
      ByteBuilder message;
      message.number(table.tree, 8).number(table.heap, 8);
      messages.push_back({MessageType::kSymbolTable, 0, message.take()});
    }
    for (size_t i = 0; i < node.attributes.size(); ++i) {
      messages.push_back(
          {MessageType::kAttribute, 0, encode_attribute(node.attributes[i], node.references[i])});
    }
    writer_.align();
    symbol.header = writer_.position_;
    writer_.append(encode_object_header(messages));
    return symbol;
  }

  Writer& writer_;
  ByteBuilder objects_;  // of the collection that is being filled
  uint32_t next_index_ = 1;
};

Writer::Writer(ByteSink& sink) : sink_(sink), root_(std::make_unique<Node>()) {
  append(std::vector<std::byte>(kSuperblockSize));
}

Writer::~Writer() = default;

void Writer::append(std::span<const std::byte> bytes) {
  sink_.write(bytes);
  position_ += bytes.size();
}

void Writer::align() { append(std::vector<std::byte>((8 - position_ % 8) % 8)); }

Writer::Node& Writer::node(std::string_view path, bool create) {
  if (finished_) fail<ValueError>({kWhere, "Nothing can be written after finish()", std::string(path), ""});
  Node* current = root_.get();
  size_t depth = 0;
  for (std::string_view rest = path; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    if (part == "." || part.find('\0') != std::string_view::npos || ++depth > kMaxDepth) {
      fail<ValueError>({kWhere, "Paths must have at most 256 parts, none of them '.' or with a zero byte",
                        "'" + std::string(path) + "'", ""});
    }
    if (current->elements) {
      fail<ValueError>({kWhere, "Only groups can hold other objects", "'" + std::string(path) + "'",
                        "a part of this path is a dataset"});
    }
    auto& child = current->children[std::string(part)];
    if (!child) {
      if (!create) {
        current->children.erase(std::string(part));
        fail<ValueError>({kWhere, "The object must exist", "'" + std::string(path) + "'", "write it first"});
      }
      child = std::make_unique<Node>();
    }
    current = child.get();
  }
  return *current;
}

void Writer::create_group(std::string_view path) {
  if (node(path, true).elements) {
    fail<ValueError>({kWhere, "A group must not take a dataset's path", "'" + std::string(path) + "'", ""});
  }
}

void Writer::write_dataset(std::string_view path, const Datatype& type, const Dataspace& space,
                           std::span<const std::byte> elements) {
  const auto reject = [&](std::string_view requirement, const std::string& received) {
    fail<ValueError>({kWhere, requirement, "'" + std::string(path) + "' " + received, ""});
  };
  if (type.element == Element::kVariableString || type.big_endian) {
    reject("Datasets are written with elements of fixed size, little endian",
           std::string(to_string(type.element)));
  }
  if (space.dims.size() > 32) reject("A dataset has at most 32 dimensions", to_string(space.dims));
  uint64_t bytes = type.size;
  for (const uint64_t dim : space.dims) {
    if (__builtin_mul_overflow(bytes, dim, &bytes))
      reject("The size must fit in 64 bits", to_string(space.dims));
  }
  if (space.kind == Dataspace::Kind::kNull) bytes = 0;
  if (bytes != elements.size()) {
    reject("The elements must be those of the shape", std::to_string(elements.size()) + " bytes for " +
                                                          to_string(space.dims) + " of " +
                                                          std::string(to_string(type.element)));
  }
  Node& target = node(path, true);
  if (&target == root_.get() || target.elements || !target.children.empty()) {
    reject("A dataset's path must be free", "exists already");
  }
  align();
  target.elements = {type, space, bytes == 0 ? kUndefined : position_, bytes};
  if constexpr (std::endian::native == std::endian::little) {
    append(elements);
  } else {
    std::vector<std::byte> swapped(elements.begin(), elements.end());
    to_native_order(type, swapped);
    append(swapped);
  }
  if (type.element == Element::kBFloat16) target.attributes.push_back(Attribute::text("dtype", "bfloat16"));
}

void Writer::write_attribute(std::string_view path, Attribute attribute) {
  Node& target = node(path, false);
  // Encoded once for its checks, so that the caller that made the mistake gets the error. 4096 references are
  // too many already.
  const bool variable = attribute.type.element == Element::kVariableString;
  const uint64_t references = variable ? std::min<uint64_t>(attribute.space.elements(), 4096) : 0;
  encode_attribute(attribute, std::vector<HeapReference>(references));
  const auto same = std::find_if(target.attributes.begin(), target.attributes.end(),
                                 [&](const Attribute& other) { return other.name == attribute.name; });
  if (same == target.attributes.end()) {
    target.attributes.push_back(std::move(attribute));
  } else {
    *same = std::move(attribute);
  }
}

void Writer::finish() {
  if (finished_) return;
  Finisher(*this).run();
  finished_ = true;
}

}  // namespace keras::internal::hdf5
