// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/byte_sink.h"
#include "keras/schema/weight_store.h"
#include "saving/hdf5/reader.h"
#include "saving/hdf5/writer.h"

namespace keras::internal {

/// Weights as Keras stores them in HDF5: groups by path, datasets "0", "1", ... below "<path>".
class H5WeightWriter final : public WeightWriter {
 public:
  explicit H5WeightWriter(ByteSink& sink) : writer_(sink) {}
  void group(std::string_view path, std::string_view name = "") override;
  using WeightWriter::put;
  void put(std::string_view path, std::string_view key, const Tensor& value) override;
  void finish() { writer_.finish(); }

 private:
  hdf5::Writer writer_;
};

class H5WeightReader final : public WeightReader {
 public:
  /// `name` stands for the file in errors; the bytes must live as long as the reader.
  H5WeightReader(std::span<const std::byte> bytes, const std::string& name)
      : reader_(bytes, name), file_(name) {}
  explicit H5WeightReader(const std::string& path) : reader_(path), file_(path) {}
  bool has_group(std::string_view path) const override;
  std::vector<std::string> keys(std::string_view path) const override;
  std::vector<std::string> groups(std::string_view path) const override;
  std::string group_name(std::string_view path) const override;
  using WeightReader::get;
  Tensor get(std::string_view path, std::string_view key) const override;

 private:
  hdf5::Group at(std::string_view path) const;
  hdf5::Reader reader_;
  std::string file_;
};

}  // namespace keras::internal
