// SPDX-License-Identifier: Apache-2.0
#include "models/callbacks/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

template <class T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

std::string varint(uint64_t value) {
  std::string out;
  while (value >= 0x80u) {
    out += static_cast<char>((value & 0x7fu) | 0x80u);
    value >>= 7;
  }
  return out + static_cast<char>(value);
}

// Fields of a protocol buffer: number and wire type, then the value.
std::string number_field(int field, uint64_t value) {
  return varint(static_cast<uint64_t>(field) << 3) + varint(value);
}
std::string double_field(int field, double value) {
  return varint((static_cast<uint64_t>(field) << 3) | 1u) + little_endian(value);
}
std::string bytes_field(int field, const std::string& bytes) {
  return varint((static_cast<uint64_t>(field) << 3) | 2u) + varint(bytes.size()) + bytes;
}

// tensorflow.TensorProto.
enum TensorType : uint64_t { kFloat = 1, kDouble = 2, kString = 7 };

std::string tensor_head(TensorType type, const std::vector<int64_t>& shape) {
  std::string dims;
  for (const int64_t d : shape) dims += bytes_field(2, number_field(1, static_cast<uint64_t>(d)));
  return number_field(1, type) + bytes_field(2, dims);
}

std::string string_tensor(const std::vector<int64_t>& shape, const std::vector<std::string>& values) {
  std::string out = tensor_head(kString, shape);
  for (const auto& v : values) out += bytes_field(8, v);
  return out;
}

std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? std::string(name) : std::string("localhost");
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const auto table = crc_table();
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xffu];
  return crc ^ 0xffffffffu;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

EventFile::EventFile(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (int n = 0;; ++n) {
    path_ = fmt::format("{}/events.out.tfevents.{:010d}.{}.{}.{}.v2", directory, static_cast<int64_t>(now()),
                        host_name(), getpid(), n);
    if (!std::filesystem::exists(path_, error)) break;
  }
  file_.open(path_, std::ios::binary);
  if (!file_)
    fail<ValueError>({"TensorBoard", "The directory of the event files must be writable", path_, ""});
  event(bytes_field(3, "brain.Event:2"), 0);
  flush();
}

void EventFile::event(const std::string& fields, int64_t step) {
  std::string message = double_field(1, now());
  if (step != 0) message += number_field(2, static_cast<uint64_t>(step));
  message += fields;
  const std::string length = little_endian(static_cast<uint64_t>(message.size()));
  file_ << length << little_endian(masked_crc32c(length)) << message << little_endian(masked_crc32c(message));
  if (!file_) fail<ValueError>({"TensorBoard", "The event file must be writable", path_, ""});
}

void EventFile::flush() { file_.flush(); }

void EventFile::summary(const std::string& tag, const std::string& plugin, const std::string& content,
                        const std::string& tensor, int64_t step) {
  const std::string data = bytes_field(1, plugin) + (content.empty() ? "" : bytes_field(2, content));
  const std::string value =
      bytes_field(1, tag) + bytes_field(8, tensor) + bytes_field(9, bytes_field(1, data));
  event(bytes_field(5, bytes_field(1, value)), step);
}

void EventFile::scalar(const std::string& tag, double value, int64_t step) {
  summary(tag, "scalars", "",
          tensor_head(kFloat, {}) + bytes_field(4, little_endian(static_cast<float>(value))), step);
}

void EventFile::histogram(const std::string& tag, const std::vector<double>& values, int64_t step) {
  constexpr size_t kBuckets = 30;
  std::vector<double> rows(kBuckets * 3, 0.0);
  if (!values.empty()) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double range = *high - *low;
    const double width = range / static_cast<double>(kBuckets);
    for (size_t i = 0; i < kBuckets; ++i) {
      rows[3 * i] = range == 0 ? *high : *low + static_cast<double>(i) * width;
      rows[3 * i + 1] = range == 0 || i + 1 == kBuckets ? *high : *low + static_cast<double>(i + 1) * width;
    }
    for (const double v : values) {
      const double bucket = range == 0 ? static_cast<double>(kBuckets) : std::floor((v - *low) / width);
      // What is not finite has no bucket of its own.
      const auto index = std::isfinite(bucket)
                             ? static_cast<size_t>(std::clamp(bucket, 0.0, static_cast<double>(kBuckets - 1)))
                             : kBuckets - 1;
      rows[3 * index + 2] += 1;
    }
  }
  std::string content;
  for (const double v : rows) content += little_endian(v);
  summary(tag, "histograms", "", tensor_head(kDouble, {kBuckets, 3}) + bytes_field(4, content), step);
}

void EventFile::images(const std::string& tag, int64_t width, int64_t height, std::vector<std::string> pngs,
                       int64_t step) {
  constexpr size_t kMostImages = 3;
  if (pngs.size() > kMostImages) pngs.resize(kMostImages);
  std::vector<std::string> values{std::to_string(width), std::to_string(height)};
  values.insert(values.end(), pngs.begin(), pngs.end());
  summary(tag, "images", "", string_tensor({static_cast<int64_t>(values.size())}, values), step);
}

void EventFile::keras_graph(const std::string& tag, const std::string& json, int64_t step) {
  summary(tag, "graph_keras_model", "1", string_tensor({}, {json}), step);
}

}  // namespace keras::internal
