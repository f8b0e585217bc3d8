// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saving/hdf5/attribute.h"
#include "saving/hdf5/chunk_index.h"
#include "saving/hdf5/filter.h"
#include "saving/hdf5/layout.h"
#include "saving/hdf5/link.h"

namespace keras::internal::hdf5 {

class OpenFile;

/// What groups and datasets share. Objects keep their file open and may outlive the Reader.
class Object {
 public:
  /// Where the object was found, from the root: "/layers/dense/vars". The root's is "/".
  const std::string& path() const { return path_; }

  /// Names of the attributes, sorted.
  std::vector<std::string> attribute_names() const;
  bool has_attribute(std::string_view name) const { return find_attribute(name).has_value(); }

  /// nullopt if there is no such attribute; UnsupportedError if its type is not read here.
  std::optional<Attribute> find_attribute(std::string_view name) const;
  /// ValueError if there is no such attribute.
  Attribute attribute(std::string_view name) const;

 protected:
  Object(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path);
  const FileImage& image() const;

  std::shared_ptr<OpenFile> file_;
  ObjectHeader header_;
  std::string path_;

 private:
  std::vector<StoredAttribute> attributes_;
};

/// An array of elements. One that could be opened has a size that is safe to allocate: its elements are in
/// the file, or it is small, or it can have been compressed to what the file holds.
class Dataset : public Object {
 public:
  /// bfloat16, which h5py stores as opaque bytes, shows in Keras' attribute `dtype`.
  const Datatype& type() const { return type_; }
  const Dataspace& space() const { return space_; }
  const std::vector<uint64_t>& shape() const { return space_.dims; }

  /// Bytes of all elements in memory.
  uint64_t byte_size() const { return bytes_; }

  /// Writes all elements into `out`, of byte_size() bytes: C order, native byte order. TypeError for strings
  /// of variable length.
  void read_into(std::span<std::byte> out) const;
  std::vector<std::byte> read() const;

  /// The elements where they stand in the file, without a copy, if they do so in native byte order.
  std::optional<std::span<const std::byte>> view() const;

  /// The elements of a string dataset; TypeError for others.
  std::vector<std::string> strings() const;

 private:
  friend class Group;
  Dataset(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path);

  void check_size() const;
  void read_stored(std::span<std::byte> out) const;
  void fill(std::span<std::byte> out) const;

  Datatype type_;
  Dataspace space_;
  Layout layout_;
  FilterPipeline filters_;
  std::vector<Chunk> chunks_;
  std::span<const std::byte> fill_value_;
  uint64_t bytes_ = 0;
};

/// A group of named objects. Paths have parts joined by '/'; a leading '/' starts at this group as well.
class Group : public Object {
 public:
  /// Names of all links, sorted by their bytes: h5py's order unless the file tracks creation order.
  std::vector<std::string> names() const;
  /// Names in the order of their creation, if the file tracks it.
  std::optional<std::vector<std::string>> names_by_creation() const;

  /// Names of the hard links to groups and to datasets, sorted.
  std::vector<std::string> groups() const;
  std::vector<std::string> datasets() const;

  /// Whether a path leads to an object, over hard links only.
  bool contains(std::string_view path) const;

  /// ValueError for a path that does not exist, runs over a soft or external link (as in Keras, these are
  /// not followed), or ends at an object of the other kind.
  Group group(std::string_view path) const;
  Dataset dataset(std::string_view path) const;

  /// Paths of all datasets below, depth first. ValueError if a group stands twice, as in a cycle.
  std::vector<std::string> dataset_paths() const;

 private:
  friend class Reader;
  Group(std::shared_ptr<OpenFile> file, ObjectHeader header, std::string path);

  struct Found;
  std::optional<Found> find(std::string_view path) const;
  Found require(std::string_view path) const;

  std::shared_ptr<const std::vector<Link>> links_;
};

/// Opens HDF5 files of the kind that h5py writes for Keras.
class Reader {
 public:
  /// Maps a file. ValueError with the path if it cannot be opened or is no HDF5 file.
  explicit Reader(const std::string& path);

  /// Reads from memory, which must outlive the Reader and all objects from it; `name` stands in errors.
  Reader(std::span<const std::byte> bytes, const std::string& name);

  Group root() const;

 private:
  std::shared_ptr<OpenFile> file_;
};

}  // namespace keras::internal::hdf5
