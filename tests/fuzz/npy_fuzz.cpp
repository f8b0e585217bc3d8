// SPDX-License-Identifier: Apache-2.0
// The readers of .npy and .npz, with the zip archive beneath: whatever the bytes, an array or a typed error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "keras/base/error.h"
#include "keras/data/npy.h"

namespace {

void read(std::span<const std::byte> bytes) {
  try {
    (void)keras::npy_from_bytes(bytes, "fuzz");
  } catch (const keras::Error&) {
  }
  try {
    for (const auto& [name, tensor] : keras::npz_from_bytes(bytes, "fuzz")) (void)keras::npy_to_bytes(tensor);
  } catch (const keras::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
