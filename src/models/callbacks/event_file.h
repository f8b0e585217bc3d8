// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// A file of TensorBoard: Event messages (protocol buffers, encoded here by hand) in TFRecord frames (length
/// and payload, each with its masked CRC-32C). The summaries are what TensorFlow 2's writers make: tensors
/// with the name of the plugin that shows them.
class EventFile {
 public:
  /// Makes the directory and a new file "events.out.tfevents.<time>.<host>.<process>.<n>.v2" in it. Throws
  /// ValueError with the path when that is not possible.
  explicit EventFile(const std::string& directory);

  void scalar(const std::string& tag, double value, int64_t step);
  /// 30 buckets of (left edge, right edge, count).
  void histogram(const std::string& tag, const std::vector<double>& values, int64_t step);
  /// PNG images of one size; at most three are kept.
  void images(const std::string& tag, int64_t width, int64_t height, std::vector<std::string> pngs,
              int64_t step);
  /// A Keras model as JSON, which TensorBoard draws as a graph.
  void keras_graph(const std::string& tag, const std::string& json, int64_t step);
  /// Hands everything to the system.
  void flush();

 private:
  void summary(const std::string& tag, const std::string& plugin, const std::string& content,
               const std::string& tensor, int64_t step);
  void event(const std::string& fields, int64_t step);

  std::string path_;
  std::ofstream file_;
};

/// CRC-32C (Castagnoli), and as TFRecord stores it.
///@{
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);
///@}

/// A PNG file of 8-bit pixels, row by row, with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
std::string png_image(int64_t width, int64_t height, int64_t channels, std::span<const uint8_t> pixels);

}  // namespace keras::internal
