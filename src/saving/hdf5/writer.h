// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_sink.h"
#include "saving/hdf5/attribute.h"
#include "saving/hdf5/dataspace.h"
#include "saving/hdf5/datatype.h"

namespace keras::internal::hdf5 {

/// Writes an HDF5 file as h5py does by default: superblock 0, old-style groups, contiguous datasets. Elements
/// go to the sink at once; groups and attributes follow in finish().
class Writer {
 public:
  /// `sink` must be empty and outlive the writer.
  explicit Writer(ByteSink& sink);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Makes a group and those above it, as far as they do not exist yet.
  void create_group(std::string_view path);

  /// Writes a dataset and the groups above it. `elements` are in C order and native byte order. bfloat16 is
  /// written as h5py and Keras do: opaque pairs of bytes and the attribute dtype="bfloat16".
  /// ValueError if the path is taken or the number of bytes is not that of the shape.
  void write_dataset(std::string_view path, const Datatype& type, const Dataspace& space,
                     std::span<const std::byte> elements);

  /// Adds an attribute to a group or dataset that exists ("/" for the root), replacing one of its name.
  /// ValueError if it takes more than the 64 KiB that the format allows (variable-length strings count 16
  /// bytes each).
  void write_attribute(std::string_view path, Attribute attribute);

  /// Writes what is left. Nothing can be written after it.
  void finish();

 private:
  struct Node;
  class Finisher;

  Node& node(std::string_view path, bool create);
  void append(std::span<const std::byte> bytes);
  void align();

  ByteSink& sink_;
  uint64_t position_ = 0;
  std::unique_ptr<Node> root_;
  bool finished_ = false;
};

}  // namespace keras::internal::hdf5
