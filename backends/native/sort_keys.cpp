// SPDX-License-Identifier: Apache-2.0
#include "sort_keys.h"

namespace keras::native {
namespace {

template <class T>
void fill(const void* data, int64_t step, int64_t count, uint64_t* keys) {
  const T* x = static_cast<const T*>(data);
  for (int64_t i = 0; i < count; ++i) keys[i] = ordered_key(x[i * step]);
}

void fill_half(int32_t dtype, const void* data, int64_t step, int64_t count, uint64_t* keys) {
  const auto* x = static_cast<const uint16_t*>(data);
  for (int64_t i = 0; i < count; ++i) {
    float value;
    half_to_float(dtype, x + i * step, &value, 1);
    keys[i] = ordered_key(value);
  }
}

void fill_any(int32_t dtype, const void* data, int64_t step, int64_t count, uint64_t* keys) {
  switch (dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return fill<uint8_t>(data, step, count, keys);
    case KERAS_UINT16:
      return fill<uint16_t>(data, step, count, keys);
    case KERAS_UINT32:
      return fill<uint32_t>(data, step, count, keys);
    case KERAS_UINT64:
      return fill<uint64_t>(data, step, count, keys);
    case KERAS_INT8:
      return fill<int8_t>(data, step, count, keys);
    case KERAS_INT16:
      return fill<int16_t>(data, step, count, keys);
    case KERAS_INT32:
      return fill<int32_t>(data, step, count, keys);
    case KERAS_INT64:
      return fill<int64_t>(data, step, count, keys);
    case KERAS_FLOAT32:
      return fill<float>(data, step, count, keys);
    case KERAS_FLOAT64:
      return fill<double>(data, step, count, keys);
    default:
      return fill_half(dtype, data, step, count, keys);
  }
}

}  // namespace

void make_keys(int32_t dtype, const void* data, int64_t step, int64_t count, bool largest_first,
               bool nan_last, uint64_t* keys) {
  fill_any(dtype, data, step, count, keys);
  if (!largest_first) return;
  const int bits = key_bits(dtype);
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  // No number has the key of NaN, nor its complement.
  const bool has_nan = dtype >= KERAS_FLOAT16 && dtype <= KERAS_FLOAT64;
  for (int64_t i = 0; i < count; ++i) {
    if (!(has_nan && nan_last && keys[i] == mask)) keys[i] = ~keys[i] & mask;
  }
}

}  // namespace keras::native
