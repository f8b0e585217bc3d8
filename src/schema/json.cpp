// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/json.h"

#include <algorithm>
#include <unordered_set>

#include "keras/base/error.h"

namespace keras {

using internal::fail;

namespace {

// Enough of a value to recognise it in a message.
std::string excerpt(const Json& value) {
  constexpr size_t kLongest = 80;
  std::string text;
  try {
    text = value.dump();
  } catch (const ValueError&) {
    return std::string(value.kind_name());
  }
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

}  // namespace

// Out of line: users' code stays small, and g++ 12 sees no uninitialised members in the variant's.
Json::Json() noexcept = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Json Json::dict(Dict items) {
  Json out;
  out.value_ = Dict{};
  for (auto& [key, value] : items) {
    if (out.contains(key))
      fail<ValueError>({"Json::dict", "The keys must differ", "'" + key + "' twice", ""});
    std::get<Dict>(out.value_).emplace_back(std::move(key), std::move(value));
  }
  return out;
}

std::string_view Json::kind_name() const {
  switch (kind()) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a bool";
    case Kind::integer:
      return "an integer";
    case Kind::real:
      return "a real number";
    case Kind::string:
      return "a string";
    case Kind::list:
      return "a list";
    case Kind::dict:
      return "a dictionary";
  }
  return "";
}

void Json::fail_kind(std::string_view where, std::string_view wanted) const {
  fail<TypeError>({where, "The value must be " + std::string(wanted),
                   std::string(kind_name()) + (is_null() ? "" : ", " + excerpt(*this)), ""});
}

bool Json::as_bool(std::string_view where) const {
  if (!is_bool()) fail_kind(where, "a bool");
  return std::get<bool>(value_);
}

int64_t Json::as_int(std::string_view where) const {
  if (!is_int()) fail_kind(where, "an integer");
  return std::get<int64_t>(value_);
}

double Json::as_real(std::string_view where) const {
  if (is_int()) return static_cast<double>(std::get<int64_t>(value_));
  if (!is_real()) fail_kind(where, "a number");
  return std::get<double>(value_);
}

const std::string& Json::as_string(std::string_view where) const {
  if (!is_string()) fail_kind(where, "a string");
  return std::get<std::string>(value_);
}

const Json::List& Json::as_list(std::string_view where) const {
  if (!is_list()) fail_kind(where, "a list");
  return std::get<List>(value_);
}

const Json::Dict& Json::as_dict(std::string_view where) const {
  if (!is_dict()) fail_kind(where, "a dictionary");
  return std::get<Dict>(value_);
}

size_t Json::size() const {
  if (is_list()) return std::get<List>(value_).size();
  return is_dict() ? std::get<Dict>(value_).size() : 0;
}

const Json& Json::operator[](size_t index) const {
  const List& items = as_list();
  if (index >= items.size()) {
    fail<ValueError>({"JSON", "The position must lie within the list",
                      "position " + std::to_string(index) + " of " + std::to_string(items.size()), ""});
  }
  return items[index];
}

const Json& Json::operator[](std::string_view key) const {
  const Dict& items = as_dict();
  if (const Json* value = find(key)) return *value;
  std::vector<std::string> keys;
  for (const auto& item : items) keys.push_back(item.first);
  internal::fail_unknown_name("JSON", "key", key, keys);
}

const Json* Json::find(std::string_view key) const {
  if (!is_dict()) return nullptr;
  for (const auto& [name, value] : std::get<Dict>(value_)) {
    if (name == key) return &value;
  }
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

Json Json::get(std::string_view key, Json otherwise) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  return *value;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Dict{};
  if (!is_dict()) fail_kind("JSON", "a dictionary");
  if (Json* old = find(key)) {
    *old = std::move(value);
  } else {
    std::get<Dict>(value_).emplace_back(std::string(key), std::move(value));
  }
  return *this;
}

void Json::erase(std::string_view key) {
  if (!is_dict()) return;
  std::erase_if(std::get<Dict>(value_), [key](const Item& item) { return item.first == key; });
}

void Json::push_back(Json item) {
  if (is_null()) value_ = List{};
  if (!is_list()) fail_kind("JSON", "a list");
  std::get<List>(value_).push_back(std::move(item));
}

bool operator==(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_real() == b.as_real();
  }
  if (a.kind() != b.kind()) return false;
  if (!a.is_dict()) return a.value_ == b.value_;
  if (a.size() != b.size()) return false;
  return std::all_of(a.as_dict().begin(), a.as_dict().end(), [&b](const Json::Item& item) {
    const Json* other = b.find(item.first);
    return other != nullptr && *other == item.second;
  });
}

}  // namespace keras
