// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace keras::internal {

/// The library that the dynamic linker did not find, from its message ("libc10.so: cannot open shared object
/// file: ..."); empty when the message says something else.
std::string missing_library(std::string_view message);

/// What to install so that this library is there.
std::string installation_hint(std::string_view library);

}  // namespace keras::internal
