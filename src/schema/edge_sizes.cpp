// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/edge_sizes.h"

#include "keras/base/error.h"

namespace keras {

std::vector<Edge> EdgeSizes::expanded(size_t count, std::string_view where, std::string_view argument) const {
  const std::string received =
      std::string(argument) + "=" + FieldCodec<std::vector<Edge>>::to_json(edges_).dump();
  if (!uniform_ && edges_.size() != count) {
    internal::fail<ValueError>({where,
                                std::string(argument) + " must be an integer, or have one item for each of " +
                                    std::to_string(count) + " axes",
                                received, ""});
  }
  std::vector<Edge> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(uniform_ ? edges_[0] : edges_[i]);
    if (out.back().before < 0 || out.back().after < 0) {
      internal::fail<ValueError>({where, std::string(argument) + " must not be negative", received, ""});
    }
  }
  return out;
}

Json FieldCodec<Edge>::to_json(const Edge& value) { return Json::list({value.before, value.after}); }

Edge FieldCodec<Edge>::from_json(const Json& json, std::string_view where) {
  const IntTuple ends =
      FieldCodec<IntTuple>::from_json(json, where).expanded(2, where, "the edge", INT64_MIN);
  return {ends[0], ends[1]};
}

Json FieldCodec<std::vector<Edge>>::to_json(const std::vector<Edge>& value) {
  return internal::list_to_json(value);
}

std::vector<Edge> FieldCodec<std::vector<Edge>>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return {FieldCodec<Edge>::from_json(json, where)};
  return internal::list_from_json<std::vector<Edge>, Edge>(json, where);
}

}  // namespace keras
