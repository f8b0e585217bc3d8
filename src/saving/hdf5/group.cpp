// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "keras/base/error.h"
#include "saving/hdf5/open_file.h"
#include "saving/hdf5/reader.h"

namespace keras::internal::hdf5 {
namespace {

const Link* find_link(const std::vector<Link>& links, std::string_view name) {
  const auto at =
      std::lower_bound(links.begin(), links.end(), name,
                       [](const Link& link, std::string_view wanted) { return link.name < wanted; });
  return at != links.end() && at->name == name ? &*at : nullptr;
}

std::string join(const std::string& path, std::string_view name) {
  return (path == "/" ? "/" : path + "/") + std::string(name);
}

/// Takes the next part off a path; empty parts are passed over.
std::string_view next_part(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const auto part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

}  // namespace

Object::Object(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path)
    : file_(std::move(file)),
      header_(std::move(header)),
      path_(std::move(path)),
      attributes_(list_attributes(file_->image(), header_)) {}

const FileImage& Object::image() const { return file_->image(); }

std::vector<std::string> Object::attribute_names() const {
  std::vector<std::string> names;
  for (const StoredAttribute& attribute : attributes_) names.push_back(attribute.name);
  return names;
}

std::optional<Attribute> Object::find_attribute(std::string_view name) const {
  for (const StoredAttribute& attribute : attributes_) {
    if (attribute.name == name) return decode_attribute(image(), attribute);
  }
  return std::nullopt;
}

Attribute Object::attribute(std::string_view name) const {
  auto found = find_attribute(name);
  if (!found) {
    fail_unknown_name(image().name() + ":" + path_, "HDF5 attribute", name, attribute_names());
  }
  return *std::move(found);
}

Group::Group(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path)
    : Object(std::move(file), std::move(header), std::move(path)), links_(file_->links(header_)) {}

struct Group::Found {
  ObjectHeader header;
  std::string path;
};

std::optional<Group::Found> Group::find(std::string_view path) const {
  Found found{header_, path_};
  auto links = links_;
  for (auto part = next_part(path); !part.empty(); part = next_part(path)) {
    const Link* link = links ? find_link(*links, part) : nullptr;
    if (link == nullptr) return std::nullopt;
    found.path = join(found.path, part);
    if (link->kind != Link::Kind::kHard) {
      const std::string kind = link->kind == Link::Kind::kSoft ? "a soft link to '" : "an external link to '";
      fail<ValueError>({image().name() + ":" + found.path,
                        "Links must be hard links, which lead inside the file", kind + link->target + "'",
                        "write the object itself under this name"});
    }
    found.header = ObjectHeader(image(), link->address);
    links = is_group(found.header) ? file_->links(found.header) : nullptr;
  }
  return found;
}

Group::Found Group::require(std::string_view path) const {
  if (auto found = find(path)) return *std::move(found);
  fail_unknown_name(image().name() + ":" + path_, "HDF5 path", path, names());
}

std::vector<std::string> Group::names() const {
  std::vector<std::string> names;
  for (const Link& link : *links_) names.push_back(link.name);
  return names;
}

std::optional<std::vector<std::string>> Group::names_by_creation() const {
  std::vector<const Link*> order;
  for (const Link& link : *links_) {
    if (!link.creation_order) return std::nullopt;
    order.push_back(&link);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Link* a, const Link* b) { return *a->creation_order < *b->creation_order; });
  std::vector<std::string> names;
  for (const Link* link : order) names.push_back(link->name);
  return names;
}

std::vector<std::string> Group::groups() const {
  std::vector<std::string> names;
  for (const Link& link : *links_) {
    if (link.kind == Link::Kind::kHard && is_group(ObjectHeader(image(), link.address)))
      names.push_back(link.name);
  }
  return names;
}

std::vector<std::string> Group::datasets() const {
  std::vector<std::string> names;
  for (const Link& link : *links_) {
    if (link.kind != Link::Kind::kHard) continue;
    if (ObjectHeader(image(), link.address).find(MessageType::kLayout) != nullptr) names.push_back(link.name);
  }
  return names;
}

bool Group::contains(std::string_view path) const { return find(path).has_value(); }

Group Group::group(std::string_view path) const {
  Found found = require(path);
  if (!is_group(found.header)) {
    fail<ValueError>({image().name() + ":" + found.path, "The path must lead to a group", "a dataset", ""});
  }
  return Group(file_, std::move(found.header), std::move(found.path));
}

Dataset Group::dataset(std::string_view path) const {
  Found found = require(path);
  if (found.header.find(MessageType::kLayout) == nullptr) {
    fail<ValueError>({image().name() + ":" + found.path, "The path must lead to a dataset", "a group", ""});
  }
  return Dataset(file_, std::move(found.header), std::move(found.path));
}

std::vector<std::string> Group::dataset_paths() const {
  std::vector<std::string> out;
  std::set<uint64_t> seen{header_.address()};
  std::vector<Found> pending{{header_, path_}};
  while (!pending.empty()) {
    const Found current = std::move(pending.back());
    pending.pop_back();
    if (current.header.find(MessageType::kLayout) != nullptr) out.push_back(current.path);
    if (!is_group(current.header)) continue;
    const auto links = file_->links(current.header);
    for (auto link = links->rbegin(); link != links->rend(); ++link) {
      if (link->kind != Link::Kind::kHard) continue;
      ObjectHeader header(image(), link->address);
      if (is_group(header) && !seen.insert(link->address).second) {
        image().reject("group", link->address, "groups must form a tree: one stands twice",
                       join(current.path, link->name));
      }
      pending.push_back({std::move(header), join(current.path, link->name)});
    }
  }
  return out;
}

Reader::Reader(const std::string& path) : file_(std::make_shared<OpenFile>(path)) {}

Reader::Reader(std::span<const std::byte> bytes, const std::string& name)
    : file_(std::make_shared<OpenFile>(bytes, name)) {}

Group Reader::root() const {
  ObjectHeader header(file_->image(), file_->root());
  if (!is_group(header)) file_->image().reject("root group", file_->root(), "the root must be a group");
  return Group(file_, std::move(header), "/");
}

}  // namespace keras::internal::hdf5
