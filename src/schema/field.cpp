// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/field.h"

#include "keras/base/error.h"

namespace keras {

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  for (const auto& field : fields) {
    if (name == field.name) return &field;
  }
  return nullptr;
}

Json to_config(std::span<const Field> fields, const void* options) {
  Json::Dict config;
  config.reserve(fields.size());
  for (const auto& field : fields) config.emplace_back(field.name, field.read(options));
  return Json::dict(std::move(config));
}

void from_config(std::span<const Field> fields, const Json& config, void* options, std::string_view where) {
  for (const auto& [key, value] : config.as_dict(where)) {
    const Field* field = find_field(fields, key);
    if (field == nullptr) {
      std::vector<std::string> names;
      for (const auto& known : fields) names.emplace_back(known.name);
      internal::fail_unknown_name(where, "argument", key, names);
    }
    field->write(options, value, std::string(where) + "." + key);
  }
}

std::vector<std::string> changed_fields(std::span<const Field> fields, const void* options,
                                        const void* others) {
  std::vector<std::string> names;
  for (const auto& field : fields) {
    if (!(field.read(options) == field.read(others))) names.emplace_back(field.name);
  }
  return names;
}

Json FieldCodec<Shape>::to_json(const Shape& value) {
  Json::List dims;
  for (const Dim d : value) dims.push_back(d.known() ? Json(d.value()) : Json());
  return dims;
}

Shape FieldCodec<Shape>::from_json(const Json& json, std::string_view where) {
  Shape shape;
  size_t index = 0;
  for (const auto& item : json.as_list(where)) {
    const std::string place = internal::item_where(where, index++);
    shape.push_back(item.is_null() ? Dim::unknown()
                                   : Dim(internal::integer_from_json(item, place, 0,
                                                                     std::numeric_limits<int64_t>::max())));
  }
  return shape;
}

namespace internal {

int64_t integer_from_json(const Json& json, std::string_view where, int64_t low, int64_t high) {
  const int64_t value = json.as_int(where);
  if (value < low || value > high) {
    fail<ValueError>({where,
                      "The integer must be in [" + std::to_string(low) + ", " + std::to_string(high) + "]",
                      std::to_string(value), ""});
  }
  return value;
}

const Json::List& items_from_json(const Json& json, std::string_view where, int64_t count) {
  const auto& items = json.as_list(where);
  if (count >= 0 && items.size() != static_cast<size_t>(count)) {
    fail<ValueError>({where, "The list must have " + std::to_string(count) + " items",
                      std::to_string(items.size()) + " items, " + json.dump(), ""});
  }
  return items;
}

std::string item_where(std::string_view where, size_t index) {
  return std::string(where) + "[" + std::to_string(index) + "]";
}

void fail_enum(std::string_view where, const std::string& name, const std::vector<std::string>& names) {
  fail_unknown_name(where, "value", name, names);
}

}  // namespace internal
}  // namespace keras
