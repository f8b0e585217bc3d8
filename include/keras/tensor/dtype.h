// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "keras/tensor/half.h"

namespace keras {

/// Element types, with Keras' names. The numbers are part of the plug-in interface: append only.
enum class DType : uint8_t {
  bool_ = 0,
  uint8 = 1,
  uint16 = 2,
  uint32 = 3,
  uint64 = 4,
  int8 = 5,
  int16 = 6,
  int32 = 7,
  int64 = 8,
  float16 = 9,
  bfloat16 = 10,
  float32 = 11,
  float64 = 12,
  complex64 = 13,
  string = 14,
};

/// How many dtypes there are.
inline constexpr int kNumDTypes = 15;

/// "float32", "bool", ...: the name as Keras writes it.
std::string_view dtype_name(DType dtype);

/// The dtype of a name ("float32", "bool", "int", "float" as in keras.backend.standardize_dtype).
/// Throws ValueError with the list of names when there is none.
DType parse_dtype(std::string_view name);

/// Bytes per element; 0 for string.
size_t dtype_size(DType dtype);

bool is_float(DType dtype);     ///< float16, bfloat16, float32, float64
bool is_integer(DType dtype);   ///< signed and unsigned integers, not bool
bool is_signed(DType dtype);    ///< signed integers, floats, complex
bool is_unsigned(DType dtype);  ///< unsigned integers, not bool
bool is_complex(DType dtype);   ///< complex64

/// One operand of a promotion. `weak` marks a C++ scalar, which (as a Python scalar in Keras) only
/// decides the kind (bool, integer, float) and never widens a tensor's dtype.
struct PromotionType {
  DType dtype;        ///< of the tensor, or of the scalar's kind
  bool weak = false;  ///< a C++ scalar
};

/// The dtype of an op over these operands, by Keras' rules in their TensorFlow flavour
/// (keras/src/backend/common/dtypes.py). All-weak operands give int32, floatx or bool.
///@{
DType result_type(std::span<const PromotionType> operands);
DType result_type(std::initializer_list<PromotionType> operands);
///@}

/// C++ element type of a dtype, and back: `dtype_of<float> == DType::float32`.
template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "this C++ type is no tensor element type");
  return DType::float32;
}();
/// Each element type's dtype.
///@{
template <>
inline constexpr DType dtype_of<bool> = DType::bool_;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::uint8;
template <>
inline constexpr DType dtype_of<uint16_t> = DType::uint16;
template <>
inline constexpr DType dtype_of<uint32_t> = DType::uint32;
template <>
inline constexpr DType dtype_of<uint64_t> = DType::uint64;
template <>
inline constexpr DType dtype_of<unsigned long long> = DType::uint64;
template <>
inline constexpr DType dtype_of<int8_t> = DType::int8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::int16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::int32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::int64;
template <>
inline constexpr DType dtype_of<long long> = DType::int64;
template <>
inline constexpr DType dtype_of<Half> = DType::float16;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::bfloat16;
template <>
inline constexpr DType dtype_of<float> = DType::float32;
template <>
inline constexpr DType dtype_of<double> = DType::float64;
template <>
inline constexpr DType dtype_of<std::complex<float>> = DType::complex64;
template <>
inline constexpr DType dtype_of<std::string> = DType::string;
///@}

}  // namespace keras
