// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>

#include "golden/golden_file.h"
#include "keras/base/error.h"
#include "keras/tensor/config.h"

namespace keras {
namespace {

PromotionType operand(const std::string& name) {
  if (name == "int") return {DType::int32, true};
  if (name == "float") return {config::floatx(), true};
  return {parse_dtype(name), false};
}

TEST(DType, HasNamesSizesAndKinds) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype);
    EXPECT_LE(is_float(dtype) + is_integer(dtype) + is_complex(dtype), 1);
    EXPECT_EQ(is_integer(dtype),
              is_unsigned(dtype) || (is_signed(dtype) && !is_float(dtype) && !is_complex(dtype)));
  }
  EXPECT_EQ(dtype_size(DType::bool_), 1U);
  EXPECT_EQ(dtype_size(DType::bfloat16), 2U);
  EXPECT_EQ(dtype_size(DType::complex64), 8U);
  EXPECT_EQ(parse_dtype("int"), DType::int64);
  EXPECT_THROW(parse_dtype("float23"), ValueError);
  EXPECT_THROW(parse_dtype(""), ValueError);
}

TEST(Promotion, MatchesKerasForPairs) {
  const GoldenFile golden("promotion");
  const Json& c = golden.cases()[0];
  ASSERT_EQ(c["what"].as_string(), "result_type");
  const auto& names = c["dtypes"].as_list();
  for (size_t i = 0; i < names.size(); ++i) {
    const auto a = operand(names[i].as_string());
    EXPECT_EQ(dtype_name(result_type({a})), c["one"][i].as_string()) << names[i].as_string();
    for (size_t j = 0; j < names.size(); ++j) {
      const auto b = operand(names[j].as_string());
      EXPECT_EQ(dtype_name(result_type({a, b})), c["table"][i][j].as_string())
          << names[i].as_string() << " and " << names[j].as_string();
    }
  }
}

TEST(Promotion, MatchesKerasForTriples) {
  const GoldenFile golden("promotion");
  const Json& c = golden.cases()[1];
  ASSERT_EQ(c["what"].as_string(), "result_type_three");
  const auto& names = c["dtypes"].as_list();
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = 0; j < names.size(); ++j) {
      for (size_t k = 0; k < names.size(); ++k) {
        const auto result = result_type(
            {operand(names[i].as_string()), operand(names[j].as_string()), operand(names[k].as_string())});
        EXPECT_EQ(dtype_name(result), c["table"][i][j][k].as_string())
            << names[i].as_string() << ", " << names[j].as_string() << " and " << names[k].as_string();
      }
    }
  }
}

// keras.backend.result_type("complex64", x) is complex64 for every x (Keras 3.15.1).
TEST(Promotion, JoinsEveryNumberWithComplex64) {
  for (int i = 0; i < static_cast<int>(DType::string); ++i) {
    EXPECT_EQ(result_type({{DType::complex64}, {static_cast<DType>(i)}}), DType::complex64);
  }
  EXPECT_EQ(result_type({{DType::complex64}, {DType::int32, true}}), DType::complex64);
  EXPECT_EQ(result_type({{DType::float32, true}, {DType::complex64}}), DType::complex64);
}

TEST(Promotion, KeepsStringsToThemselves) {
  EXPECT_EQ(result_type({{DType::string}, {DType::string}}), DType::string);
  EXPECT_THROW(result_type({{DType::string}, {DType::int32}}), TypeError);
}

TEST(Promotion, GivesWeakFloatsFloatx) {
  config::set_floatx("float16");
  EXPECT_EQ(result_type({{DType::int8}, {DType::float32, true}}), DType::float16);
  EXPECT_EQ(result_type({{DType::float32, true}}), DType::float16);
  EXPECT_EQ(result_type({}), DType::float16);
  config::set_floatx("float32");
  EXPECT_EQ(result_type({{DType::bool_, true}, {DType::bool_, true}}), DType::bool_);
  EXPECT_EQ(result_type({{DType::bool_}, {DType::int32, true}}), DType::int32);
}

TEST(Config, ChecksItsValues) {
  EXPECT_THROW(config::set_floatx("int32"), ValueError);
  EXPECT_THROW(config::set_epsilon(0), ValueError);
  EXPECT_THROW(config::set_epsilon(NAN), ValueError);
  EXPECT_THROW(config::set_image_data_format("channels"), ValueError);
  EXPECT_EQ(config::epsilon(), 1e-7);
  config::set_epsilon(1e-3);
  EXPECT_EQ(config::epsilon(), 1e-3);
  config::set_epsilon(1e-7);
  config::set_image_data_format("channels_first");
  EXPECT_EQ(config::image_data_format(), "channels_first");
  config::set_image_data_format("channels_last");
}

// Reference: the definition of binary16, value by value.
TEST(Half, ReadsEveryBitPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>((bits >> 10) & 31U);
    const double mantissa = bits & 1023U;
    double value = exponent == 0    ? std::ldexp(mantissa, -24)
                   : exponent == 31 ? (mantissa == 0 ? HUGE_VAL : NAN)
                                    : std::ldexp(1024 + mantissa, exponent - 25);
    if ((bits & 0x8000U) != 0) value = -value;
    const float read = Half::to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(read));
    } else {
      EXPECT_EQ(read, value) << bits;
      EXPECT_EQ(Half::from_float(read), bits);
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = Half::to_float(static_cast<uint16_t>(bits));
    const float high = Half::to_float(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;  // exact in float
    const uint32_t even = (bits & 1U) == 0 ? bits : bits + 1;
    EXPECT_EQ(Half::from_float(middle), even);
    EXPECT_EQ(Half::from_float(std::nextafter(middle, 0.0F)), bits);
    EXPECT_EQ(Half::from_float(std::nextafter(middle, HUGE_VALF)), bits + 1);
  }
  EXPECT_EQ(Half::from_float(65519.996F), 0x7bff);
  EXPECT_EQ(Half::from_float(65520.0F), 0x7c00);
  EXPECT_EQ(Half::from_float(-1e10F), 0xfc00);
}

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(BFloat16(1.0F).bits, 0x3f80);
  EXPECT_EQ(BFloat16(1.00390625F).bits, 0x3f80);  // half-way to the next, even below
  EXPECT_EQ(BFloat16(1.01171875F).bits, 0x3f82);  // half-way, even above
  EXPECT_EQ(BFloat16(1.0039064F).bits, 0x3f81);
  EXPECT_TRUE(std::isnan(float(BFloat16(NAN))));
  EXPECT_EQ(BFloat16(HUGE_VALF).bits, 0x7f80);
  EXPECT_EQ(BFloat16(3.4e38F).bits, 0x7f80);
}

}  // namespace
}  // namespace keras
