// SPDX-License-Identifier: Apache-2.0
// The C++ half of arrays.py: tensors go out and arrays come in through DLPack.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/dlpack.h"

#define KERAS_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

keras::Tensor given;
keras::Tensor taken;

}  // namespace

/// exp(0), exp(0.5), exp(1), ... of this dtype and shape, computed by the backend, as a struct that Python
/// owns.
KERAS_EXPORT void* give(const char* dtype, int64_t rows, int64_t columns) {
  using namespace keras;
  const Tensor line = ops::arange(rows * columns, {}, {}, "float32") * 0.5;
  given = ops::cast(ops::reshape(ops::exp(line), {rows, columns}), dtype);
  return dlpack::to_dlpack(given).release();
}
/// Where the elements of the tensor given out lie.
KERAS_EXPORT const void* given_at() { return given.host_data(); }

/// Takes an array of Python's: 0 for the struct of version 1, 1 for the older one. Returns its elements'
/// place, or null when it is refused.
KERAS_EXPORT const void* take(void* array, int legacy) {
  using namespace keras;
  try {
    taken = legacy != 0
                ? dlpack::from_dlpack(dlpack::LegacyManaged(static_cast<dlpack::LegacyTensor*>(array)))
                : dlpack::from_dlpack(dlpack::Managed(static_cast<dlpack::ManagedTensor*>(array)));
    return taken.host_data();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return nullptr;
  }
}
/// The tensor's elements as float64, for comparison; returns how many there are.
KERAS_EXPORT int64_t elements(double* out) {
  const auto values = taken.to_vector<double>();
  std::memcpy(out, values.data(), values.size() * sizeof(double));
  return static_cast<int64_t>(values.size());
}
/// Lets go of both tensors.
KERAS_EXPORT void let_go() {
  given = keras::Tensor();
  taken = keras::Tensor();
}
