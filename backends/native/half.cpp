// SPDX-License-Identifier: Apache-2.0
#include "half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "half.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <bit>

#include "keras/graph/op_attributes.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

inline float FromBfloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

inline uint16_t ToBfloat(float value) {
  const uint32_t u = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const uint32_t nan = (u >> 16) | 0x40u;
  return static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

// Without branches, so that the compiler makes vector code of it. Integer steps alone: a denormal half must
// not be flushed on its way.
inline float FromHalf(uint16_t bits) {
  const uint32_t sign = (uint32_t{bits} & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  const float tiny = static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f;
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = 0x7f800000u | (magnitude << 13);
  uint32_t result = magnitude < 0x400u ? std::bit_cast<uint32_t>(tiny) : normal;
  result = magnitude >= 0x7c00u ? special : result;
  return std::bit_cast<float>(result | sign);
}

inline uint16_t ToHalf(float value) {
  const uint32_t u = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (u >> 16) & 0x8000u;
  const uint32_t magnitude = u & 0x7fffffffu;
  // Adding 0.5 puts the float's last bit where the subnormal half's last bit is, and rounds to even.
  const uint32_t tiny = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  uint32_t result = magnitude < 0x38800000u ? tiny : normal;
  result = magnitude >= 0x477ff000u ? 0x7c00u : result;  // 65520 and up round to infinity
  result = magnitude > 0x7f800000u ? 0x7e00u : result;
  return static_cast<uint16_t>(result | sign);
}

void ToFloatLoop(bool bfloat, const uint16_t* HWY_RESTRICT from, float* HWY_RESTRICT to, int64_t count) {
  if (bfloat) {
    for (int64_t i = 0; i < count; ++i) to[i] = FromBfloat(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = FromHalf(from[i]);
  }
}

void FromFloatLoop(bool bfloat, const float* HWY_RESTRICT from, uint16_t* HWY_RESTRICT to, int64_t count) {
  if (bfloat) {
    for (int64_t i = 0; i < count; ++i) to[i] = ToBfloat(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = ToHalf(from[i]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(ToFloatLoop);
HWY_EXPORT(FromFloatLoop);

void half_to_float(int32_t dtype, const void* from, float* to, int64_t count) {
  HWY_DYNAMIC_DISPATCH(ToFloatLoop)(dtype == KERAS_BFLOAT16, static_cast<const uint16_t*>(from), to, count);
}

void float_to_half(int32_t dtype, const float* from, void* to, int64_t count) {
  HWY_DYNAMIC_DISPATCH(FromFloatLoop)(dtype == KERAS_BFLOAT16, from, static_cast<uint16_t*>(to), count);
}

}  // namespace keras::native
#endif
