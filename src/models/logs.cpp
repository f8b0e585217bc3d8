// SPDX-License-Identifier: Apache-2.0
#include "keras/models/logs.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"

namespace keras {

bool LogValue::is_number() const {
  return nest_.is_none() || (nest_.is_leaf() && nest_.tensor().elements() == 1);
}

LogValue::operator double() const {
  if (nest_.is_none()) return number_;
  if (!is_number()) {
    internal::fail<TypeError>({"logs", "A log that is read as a number must be one number", to_string(),
                               "read its tensor(), or its mean()"});
  }
  return nest_.tensor().item<double>();
}

double LogValue::mean() const {
  if (nest_.is_none()) return number_;
  double sum = 0;
  size_t count = 0;
  for (const Tensor& t : nest_.flatten()) {
    for (const double v : t.to_vector<double>()) sum += v;
    count += static_cast<size_t>(t.elements());
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Tensor LogValue::tensor() const {
  if (nest_.is_none()) return Tensor::from(std::vector<double>{number_}, Shape{});
  return nest_.tensor();
}

Nest LogValue::nest() const { return nest_.is_none() ? Nest(tensor()) : nest_; }

std::string LogValue::to_string() const {
  if (nest_.is_none()) return fmt::format("{}", number_);
  std::string out;
  for (const Tensor& t : nest_.flatten()) out += (out.empty() ? "" : ", ") + t.to_string();
  return out;
}

const LogValue* Logs::find(std::string_view name) const {
  for (const auto& item : items_) {
    if (item.first == name) return &item.second;
  }
  return nullptr;
}

double Logs::operator[](std::string_view name) const {
  if (const LogValue* value = find(name)) return *value;
  std::vector<std::string> names;
  for (const auto& item : items_) names.push_back(item.first);
  internal::fail_unknown_name("logs", "name", name, names);
}

void Logs::set(std::string_view name, LogValue value) {
  for (auto& item : items_) {
    if (item.first == name) {
      item.second = std::move(value);
      return;
    }
  }
  items_.emplace_back(std::string(name), std::move(value));
}

void Logs::merge(const Logs& other) {
  for (const auto& [name, value] : other) set(name, value);
}

Logs Logs::sorted() const {
  Logs out = *this;
  std::stable_sort(out.items_.begin(), out.items_.end(),
                   [](const Item& a, const Item& b) { return a.first < b.first; });
  return out;
}

std::string Logs::names() const {
  std::string out;
  for (const auto& item : items_) out += (out.empty() ? "" : ", ") + item.first;
  return out;
}

}  // namespace keras
