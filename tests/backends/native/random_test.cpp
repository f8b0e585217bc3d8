// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>

#include "backends/native/plugin.h"
#include "keras/base/philox.h"

namespace keras::native_test {
namespace {

std::vector<Array> bits(uint32_t seed, uint32_t draw, const Shape& shape, int32_t dtype) {
  RandomBitsAttributes attributes{};
  attributes.dtype = dtype;
  attributes.shape = list(shape);
  return run("random_bits", attributes, {array<uint32_t>({2}, {seed, draw})}, {make_desc(dtype, shape)});
}

// Known answers of the paper's reference implementation (Random123, kat_vectors).
TEST(NativeRandom, PhiloxKnownAnswers) {
  EXPECT_EQ(Philox::rounds({0, 0, 0, 0}, {0, 0}),
            (Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(Philox::rounds({ones, ones, ones, ones}, {ones, ones}),
            (Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox::rounds({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(NativeRandom, BitsAreTheReferenceWords) {
  for (const int64_t n : {1, 3, 4, 63, 1023, 1024, 1025, 100003}) {
    std::vector<uint32_t> words(static_cast<size_t>(n));
    std::vector<uint64_t> wide(static_cast<size_t>(n));
    Philox(1234567, 89).fill(0, std::span<uint32_t>(words));
    Philox(1234567, 89).fill(0, std::span<uint64_t>(wide));
    EXPECT_EQ(bits(1234567, 89, {n}, KERAS_UINT32)[0].values<uint32_t>(), words) << n;
    EXPECT_EQ(bits(1234567, 89, {n}, KERAS_UINT64)[0].values<uint64_t>(), wide) << n;
  }
  EXPECT_NE(bits(1, 0, {4}, KERAS_UINT32)[0].values<uint32_t>(),
            bits(1, 1, {4}, KERAS_UINT32)[0].values<uint32_t>());
  EXPECT_EQ(bits(1, 0, {0, 3}, KERAS_UINT32)[0].count(), 0);
}

TEST(NativeRandom, PartsOfASequenceCanBeComputedAlone) {
  std::vector<uint32_t> all(50);
  Philox(7, 3).fill(0, std::span<uint32_t>(all));
  for (size_t first : {1u, 4u, 6u, 13u}) {
    std::vector<uint32_t> part(20);
    Philox(7, 3).fill(first, std::span<uint32_t>(part));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + static_cast<int64_t>(first))) << first;
  }
}

TEST(NativeRandom, UniformTakesTheLowBits) {
  const auto state = array<uint32_t>({2}, {42, 5});
  const int64_t n = 5001;
  RandomBitsAttributes attributes{};
  attributes.shape = list({n});
  attributes.dtype = KERAS_FLOAT32;
  const auto words = bits(42, 5, {n}, KERAS_UINT32)[0].values<uint32_t>();
  const auto floats =
      run("random_uniform", attributes, {state}, {make_desc(KERAS_FLOAT32, {n})})[0].values<float>();
  attributes.dtype = KERAS_BFLOAT16;
  const auto brains =
      as_double(run("random_uniform", attributes, {state}, {make_desc(KERAS_BFLOAT16, {n})})[0]);
  attributes.dtype = KERAS_FLOAT16;
  const auto halves =
      as_double(run("random_uniform", attributes, {state}, {make_desc(KERAS_FLOAT16, {n})})[0]);
  for (size_t i = 0; i < words.size(); ++i) {
    ASSERT_EQ(floats[i], static_cast<float>(words[i] & 0x7fffff) * 0x1p-23f);
    ASSERT_EQ(brains[i], (words[i] & 0x7f) * 0x1p-7);
    ASSERT_EQ(halves[i], (words[i] & 0x3ff) * 0x1p-10);
  }
  attributes.dtype = KERAS_FLOAT64;
  const auto doubles =
      run("random_uniform", attributes, {state}, {make_desc(KERAS_FLOAT64, {n})})[0].values<double>();
  const auto wide = bits(42, 5, {n}, KERAS_UINT64)[0].values<uint64_t>();
  double mean = 0;
  for (size_t i = 0; i < wide.size(); ++i) {
    const uint64_t mantissa = (wide[i] & 0xfffff) << 32 | wide[i] >> 32;
    ASSERT_EQ(doubles[i], static_cast<double>(mantissa) * 0x1p-52);
    mean += doubles[i] / static_cast<double>(n);
  }
  EXPECT_NEAR(mean, 0.5, 0.02);
}

template <class T>
void check_dropout(const Shape& shape, const Shape& noise, double rate) {
  const auto state = array<uint32_t>({2}, {9, 1});
  const Array x = uniform<T>(shape, -2, 2);
  DropoutAttributes attributes{};
  attributes.rate = rate;
  attributes.noise_shape = list(noise);
  const auto words = bits(9, 1, noise, KERAS_UINT32)[0].template values<uint32_t>();
  const double bound = std::floor(rate * 4294967296.0);
  const auto values = as_double(x);
  for (const int donated : {-1, 0}) {
    const auto y = as_double(run("dropout", attributes, {x, state}, {x.desc}, donated)[0]);
    for (size_t i = 0; i < y.size(); ++i) {
      const bool keep =
          words[static_cast<size_t>(broadcast_index(static_cast<int64_t>(i), shape, noise))] >= bound;
      const T scale = static_cast<T>(static_cast<float>(1 / (1 - rate)));
      const double want = keep ? values[i] * (sizeof(T) == 8 ? 1 / (1 - rate)
                                                             : static_cast<double>(static_cast<float>(scale)))
                               : 0;
      ASSERT_NEAR(y[i], want, std::fabs(want) * (sizeof(T) == 2 ? 0.004 : 1e-7)) << i;
      ASSERT_EQ(y[i] == 0, !keep || values[i] == 0) << i;
    }
  }
}

TEST(NativeRandom, DropoutIsItsComposition) {
  for (const double rate : {0.0, 0.25, 0.9}) {
    check_dropout<float>({40, 77}, {40, 77}, rate);
    check_dropout<float>({40, 77}, {40, 1}, rate);
    check_dropout<double>({3, 5, 7}, {3, 1, 7}, rate);
    check_dropout<double>({5000}, {5000}, rate);
    check_dropout<BFloat16>({40, 77}, {40, 77}, rate);
    check_dropout<Half>({40, 77}, {1, 77}, rate);
  }
}

}  // namespace
}  // namespace keras::native_test
