// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keras::internal {

/// Appends a code point below 0x110000 as UTF-8; half of a surrogate pair too, as three bytes.
void append_utf8(std::string& out, uint32_t c);

/// The code point at `position`, which moves past it; nothing where the bytes are no UTF-8 (overlong forms
/// included; halves of surrogate pairs are let through).
std::optional<uint32_t> next_code_point(std::string_view text, size_t& position);

}  // namespace keras::internal
