// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "keras/tensor/tensor.h"

/// Where layers, optimizers and metrics leave their weights, without knowing the file format. Paths are
/// Keras' ("layers/dense/vars"), with '/' between groups; within a group, tensors have keys ("0", "1", ...).
namespace keras {

/// Takes weights to be saved. Implemented by the saving room over HDF5, `.npz` and sharded files.
class WeightWriter {
 public:
  virtual ~WeightWriter() = default;
  /// Makes a group even when it stays empty, with the attribute `name` that Keras gives it ("" for none).
  virtual void group(std::string_view path, std::string_view name = "") = 0;
  /// Stores a tensor; its dtype is kept, bfloat16 in the way of the format. Throws ValueError for a key that
  /// is there already.
  virtual void put(std::string_view path, std::string_view key, const Tensor& value) = 0;
  /// The same with a number as key.
  void put(std::string_view path, size_t index, const Tensor& value) {
    put(path, std::to_string(index), value);
  }
};

/// Gives saved weights back.
class WeightReader {
 public:
  virtual ~WeightReader() = default;
  /// Whether the file has such a group.
  virtual bool has_group(std::string_view path) const = 0;
  /// The keys of the tensors in a group: numbers by value, then other keys in order. Empty when there is no
  /// group.
  virtual std::vector<std::string> keys(std::string_view path) const = 0;
  /// The names of the groups right below one; "" is the root.
  virtual std::vector<std::string> groups(std::string_view path) const = 0;
  /// The attribute `name` of a group, "" when there is none.
  virtual std::string group_name(std::string_view path) const = 0;
  /// A tensor. Throws ValueError with the file's path when there is none or it is broken.
  virtual Tensor get(std::string_view path, std::string_view key) const = 0;
  /// The same with a number as key.
  Tensor get(std::string_view path, size_t index) const { return get(path, std::to_string(index)); }
};

}  // namespace keras
