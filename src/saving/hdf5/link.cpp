// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/link.h"

#include <algorithm>
#include <set>

#include "saving/hdf5/btree_v1.h"
#include "saving/hdf5/btree_v2.h"
#include "saving/hdf5/fractal_heap.h"
#include "saving/hdf5/heap.h"

namespace keras::internal::hdf5 {
namespace {

Link decode_link(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "link message", body);
  cursor.version(1);
  const uint8_t flags = cursor.u8();
  Link link;
  const uint8_t kind = (flags & 8) != 0 ? cursor.u8() : 0;
  if ((flags & 4) != 0) link.creation_order = cursor.number(8);
  if ((flags & 16) != 0) cursor.skip(1);  // character set: both are taken as UTF-8
  link.name = cursor.text(cursor.number(1u << (flags & 3)));
  if (kind == 0) {
    link.address = cursor.offset();
  } else if (kind == 1 || kind == 64) {
    link.kind = kind == 1 ? Link::Kind::kSoft : Link::Kind::kExternal;
    link.target = cursor.text(cursor.u16());
    if (kind == 64) {  // a byte of flags, the file, the path in it
      std::replace(link.target.begin(), link.target.end(), '\0', ':');
    }
  } else {
    cursor.refuse("only hard, soft and external links are read", "kind " + std::to_string(kind));
  }
  return link;
}

// One node of an old group's names: entries of a heap offset, an object address and 24 cached bytes.
void read_symbol_node(const FileImage& image, uint64_t address, LocalHeap& heap, std::vector<Link>& out) {
  constexpr std::string_view kStructure = "symbol table node";
  Cursor prefix(image, kStructure, address, 8);
  prefix.signature("SNOD");
  prefix.version(1);
  prefix.skip(1);
  const uint64_t count = prefix.u16();
  Cursor cursor(image, kStructure, address + 8, count * (2 * image.offset_size + 24));
  for (uint64_t i = 0; i < count; ++i) {
    Link link;
    link.name = heap.name(cursor.offset());
    link.address = cursor.offset();
    const uint32_t cache_type = cursor.u32();
    cursor.skip(4);
    const uint32_t target = cursor.u32();
    cursor.skip(12);
    if (cache_type == 2) {
      link.kind = Link::Kind::kSoft;
      link.target = heap.name(target);
    }
    out.push_back(std::move(link));
  }
}

void read_symbol_table(const FileImage& image, const Message& message, std::vector<Link>& out) {
  Cursor cursor(image, "symbol table message", message.body);
  const uint64_t tree = cursor.offset();
  LocalHeap heap(image, cursor.offset());
  std::set<uint64_t> seen;
  walk_btree_v1(image, tree, BTreeV1Type::kGroup, image.length_size, [&](const Cursor& key, uint64_t child) {
    if (!seen.insert(child).second) key.reject("symbol table nodes must not be shared", hex(child));
    read_symbol_node(image, child, heap, out);
  });
}

void read_dense_links(const FileImage& image, const Message& message, std::vector<Link>& out) {
  Cursor cursor(image, "link info message", message.body);
  cursor.version(0);
  if ((cursor.u8() & 1) != 0) cursor.skip(8);
  const uint64_t heap_address = cursor.offset();
  const uint64_t names = cursor.offset();
  if (heap_address == kUndefined) return;
  FractalHeap heap(image, heap_address);
  uint64_t taken = 0;
  for (const auto& record : read_btree_v2(image, names, BTreeV2Type::kLinkNames).records) {
    if (record.size() <= 4) cursor.reject("link records must hold a hash and a heap ID");
    const auto object = heap.object(record.subspan(4));
    taken += object.size();
    if (taken > image.size()) cursor.reject("links must not overlap");
    out.push_back(decode_link(image, object));
  }
}

}  // namespace

bool is_group(const ObjectHeader& header) {
  return header.find(MessageType::kSymbolTable) != nullptr ||
         header.find(MessageType::kLinkInfo) != nullptr || header.find(MessageType::kLink) != nullptr;
}

std::vector<Link> read_links(const FileImage& image, const ObjectHeader& header) {
  std::vector<Link> links;
  for (const Message& message : header.messages()) {
    if (message.type == MessageType::kSymbolTable) read_symbol_table(image, message, links);
    if (message.type == MessageType::kLinkInfo) read_dense_links(image, message, links);
    if (message.type == MessageType::kLink) links.push_back(decode_link(image, message.body));
  }
  std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.name < b.name; });
  for (size_t i = 0; i < links.size(); ++i) {
    const std::string& name = links[i].name;
    if (name.empty() || name == "." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos || (i > 0 && name == links[i - 1].name)) {
      image.reject("group", header.address(), "names must be unique, not empty, and without '/'",
                   "'" + std::string(name.c_str()) + "'");
    }
  }
  return links;
}

}  // namespace keras::internal::hdf5
