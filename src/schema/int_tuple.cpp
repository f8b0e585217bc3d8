// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/int_tuple.h"

#include "keras/base/error.h"

namespace keras {

IntTuple IntTuple::expanded(size_t count, std::string_view where, std::string_view argument,
                            int64_t least) const {
  const std::string received = std::string(argument) + "=" + FieldCodec<IntTuple>::to_json(*this).dump();
  if (!scalar_ && values_.size() != count) {
    internal::fail<ValueError>(
        {where, std::string(argument) + " must be an integer or " + std::to_string(count) + " integers",
         received, ""});
  }
  IntTuple out;
  for (size_t i = 0; i < count; ++i) out.values_.push_back(scalar_ ? values_[0] : values_[i]);
  for (const int64_t value : out.values_) {
    if (value < least) {
      internal::fail<ValueError>(
          {where, std::string(argument) + " must be " + std::to_string(least) + " or more in each place",
           received, ""});
    }
  }
  return out;
}

Json FieldCodec<IntTuple>::to_json(const IntTuple& value) {
  if (value.scalar()) return value[0];
  Json::List items;
  for (const int64_t item : value) items.emplace_back(item);
  return items;
}

IntTuple FieldCodec<IntTuple>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return json.as_int();
  if (!json.is_list()) {
    internal::fail<TypeError>(
        {where, "The value must be an integer or a list of integers", std::string(json.kind_name()), ""});
  }
  SmallVector<int64_t, 4> values;
  size_t index = 0;
  for (const auto& item : json.as_list()) values.push_back(item.as_int(internal::item_where(where, index++)));
  return IntTuple(std::move(values));
}

}  // namespace keras
