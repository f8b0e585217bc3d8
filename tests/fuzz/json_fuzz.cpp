// SPDX-License-Identifier: Apache-2.0
// The JSON reader: a value or a ValueError, and what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "keras/base/error.h"
#include "keras/schema/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto value = keras::Json::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string text = value.dump();
    if (keras::Json::parse(text).dump() != text) std::abort();
    if (keras::Json::parse(value.dump(2)).dump() != text) std::abort();
  } catch (const keras::ValueError&) {
  }
  return 0;
}
