// SPDX-License-Identifier: Apache-2.0
// Whatever the bytes are, the zip reader either reads them or throws one of our errors.
#include <span>

#include "data/zip_archive.h"
#include "keras/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const keras::internal::ZipReader archive(std::as_bytes(std::span(data, size)), "fuzz");
    for (const auto& member : archive.members()) {
      try {
        archive.view(member);
        if (member.size < (1u << 20)) archive.read(member);
      } catch (const keras::Error&) {
      }
    }
  } catch (const keras::Error&) {
  }
  return 0;
}
