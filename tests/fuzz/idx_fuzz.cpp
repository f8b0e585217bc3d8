// SPDX-License-Identifier: Apache-2.0
// The reader of IDX files, plain or gzipped: whatever the bytes, an array or a typed error.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "keras/base/error.h"
#include "keras/data/datasets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The reader takes a path: here that of a file in memory.
  const int file = memfd_create("idx", 0);
  if (file < 0 || write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    const keras::Tensor tensor = keras::load_idx("/proc/self/fd/" + std::to_string(file));
    if (tensor.elements() > 0) (void)tensor.to_vector<double>();
  } catch (const keras::Error&) {
  }
  close(file);
  return 0;
}
