// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/csv_logger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/schema/json.h"

namespace keras::callbacks {

namespace {

// As Python prints floats: 0.5, 1.0, 1e-07, nan.
std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return Json(value).dump();
}

// The same with the digits that a float32 needs.
std::string number_text(float value) {
  if (!std::isfinite(value)) return number_text(static_cast<double>(value));
  return Json(std::stod(fmt::format("{}", value))).dump();
}

std::string value_text(const LogValue& value) {
  if (value.is_number()) return number_text(static_cast<double>(value));
  std::string out;
  for (const Tensor& t : value.nest().flatten()) {
    for (const float v : t.to_vector<float>()) out += (out.empty() ? "" : ", ") + number_text(v);
  }
  return "\"[" + out + "]\"";
}

std::string quoted(const std::string& text, const std::string& separator) {
  if (text.find_first_of("\"\r\n") == std::string::npos && text.find(separator) == std::string::npos)
    return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

CSVLogger::CSVLogger(std::string filename, Options options)
    : filename_(std::move(filename)), options_(std::move(options)) {
  if (options_.separator.size() != 1) {
    internal::fail<ValueError>({"CSVLogger", "The separator must be one character", options_.separator, ""});
  }
}

void CSVLogger::on_train_begin(Logs&) {
  header_ = true;
  if (options_.append) {
    std::ifstream existing(filename_);
    std::string line;
    header_ = !std::getline(existing, line);
  }
  if (file_.is_open()) file_.close();
  file_.open(filename_, std::ios::binary | (options_.append ? std::ios::app : std::ios::trunc));
  if (!file_) internal::fail<ValueError>({"CSVLogger", "The file must be writable", filename_, ""});
  keys_.clear();
  started_ = false;
}

void CSVLogger::write_row(const std::vector<std::string>& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    line += (i == 0 ? "" : options_.separator) + quoted(values[i], options_.separator);
  }
  file_ << line << "\r\n" << std::flush;
  if (!file_) internal::fail<ValueError>({"CSVLogger", "The file must be writable", filename_, ""});
}

void CSVLogger::on_epoch_end(int64_t epoch, Logs& logs) {
  if (!started_) {
    for (const auto& [name, value] : logs.sorted()) keys_.push_back(name);
    if (std::none_of(keys_.begin(), keys_.end(), [](const auto& k) { return k.starts_with("val_"); })) {
      const size_t count = keys_.size();
      for (size_t i = 0; i < count; ++i) keys_.push_back("val_" + keys_[i]);
    }
    if (header_) {
      std::vector<std::string> names{"epoch"};
      names.insert(names.end(), keys_.begin(), keys_.end());
      write_row(names);
    }
    started_ = true;
  }
  std::vector<std::string> row{std::to_string(epoch)};
  for (const auto& key : keys_) {
    const LogValue* value = logs.find(key);
    row.push_back(value == nullptr ? "NA" : value_text(*value));
  }
  write_row(row);
}

void CSVLogger::on_train_end(Logs&) {
  if (file_.is_open()) file_.close();
}

}  // namespace keras::callbacks
