// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/base/error.h"
#include "keras/tensor/config.h"

namespace keras::internal {

/// The given layout or, for "", the configured one. Throws ValueError for another name.
inline std::string standardize_data_format(std::string_view where, const std::string& format) {
  if (format.empty()) return config::image_data_format();
  if (format != "channels_last" && format != "channels_first") {
    fail_unknown_name(where, "data_format", format, {"channels_last", "channels_first"});
  }
  return format;
}

}  // namespace keras::internal
