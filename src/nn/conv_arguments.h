// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/schema/int_tuple.h"

namespace keras::internal {

/// Throws ValueError for a value below 1.
void require_positive(std::string_view where, std::string_view what, int64_t value);
/// "valid", "same" or, where allowed, "causal", from any case. Throws ValueError for other names.
std::string standardize_padding(std::string_view where, std::string padding, bool causal = false);
/// Throws ValueError when both have a value above 1.
void forbid_strided_dilation(std::string_view where, const IntTuple& strides, const IntTuple& dilation_rate);

}  // namespace keras::internal
