// SPDX-License-Identifier: Apache-2.0
#include "nn/conv_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "keras/base/error.h"

namespace keras::internal {

void require_positive(std::string_view where, std::string_view what, int64_t value) {
  if (value >= 1) return;
  fail<ValueError>({where, fmt::format("{} must be positive", what), fmt::format("{}={}", what, value), ""});
}

std::string standardize_padding(std::string_view where, std::string padding, bool causal) {
  for (char& c : padding) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::vector<std::string> names{"valid", "same"};
  if (causal) names.emplace_back("causal");
  if (std::find(names.begin(), names.end(), padding) == names.end()) {
    fail_unknown_name(where, "padding", padding, names);
  }
  return padding;
}

void forbid_strided_dilation(std::string_view where, const IntTuple& strides, const IntTuple& dilation_rate) {
  const auto above = [](int64_t v) { return v > 1; };
  if (std::none_of(strides.begin(), strides.end(), above) ||
      std::none_of(dilation_rate.begin(), dilation_rate.end(), above)) {
    return;
  }
  fail<ValueError>({where, "Strides above 1 and a dilation_rate above 1 do not go together",
                    fmt::format("strides={}, dilation_rate={}", FieldCodec<IntTuple>::to_json(strides).dump(),
                                FieldCodec<IntTuple>::to_json(dilation_rate).dump()),
                    ""});
}

}  // namespace keras::internal
