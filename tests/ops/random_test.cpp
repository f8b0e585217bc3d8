// SPDX-License-Identifier: Apache-2.0
// keras.random: what the draws are distributed like, what repeats, and that host and backend agree.
#include "keras/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/base/philox.h"
#include "ops/host_random.h"

namespace keras {
namespace {

struct Moments {
  double mean = 0, variance = 0, low = 0, high = 0;
};

Moments moments(const Tensor& t) {
  const auto v = t.to_vector<double>();
  Moments m;
  for (const double x : v) m.mean += x;
  m.mean /= static_cast<double>(v.size());
  for (const double x : v) m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= static_cast<double>(v.size());
  m.low = *std::min_element(v.begin(), v.end());
  m.high = *std::max_element(v.begin(), v.end());
  return m;
}

constexpr int64_t kMany = 40000;  // the error of a mean is then 0.005 standard deviations

TEST(Random, UniformIsFlat) {
  const auto m = moments(random::uniform({kMany}, -1.0, 3.0, {}, 7));
  EXPECT_NEAR(m.mean, 1.0, 0.03);
  EXPECT_NEAR(m.variance, 16.0 / 12.0, 0.03);
  EXPECT_GE(m.low, -1.0);
  EXPECT_LT(m.high, 3.0);
}

TEST(Random, NormalHasItsMoments) {
  const auto m = moments(random::normal({kMany}, 2.0, 0.5, {}, 7));
  EXPECT_NEAR(m.mean, 2.0, 0.015);
  EXPECT_NEAR(m.variance, 0.25, 0.01);
  EXPECT_GT(m.high, 2.0 + 3 * 0.5);
}

TEST(Random, TruncatedNormalStaysWithinTwoDeviations) {
  const auto m = moments(random::truncated_normal({kMany}, 0.0, 1.0, {}, 7));
  EXPECT_NEAR(m.mean, 0.0, 0.03);
  EXPECT_NEAR(std::sqrt(m.variance), 0.87962566, 0.01);  // of a normal distribution cut at two deviations
  EXPECT_GE(m.low, -2.0);
  EXPECT_LE(m.high, 2.0);
}

TEST(Random, HostDrawsAreThoseOfTheBackend) {
  const auto near = [](const Tensor& a, const Tensor& b) {
    const auto x = a.to_vector<double>(), y = b.to_vector<double>();
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 2e-5) << i;
  };
  near(random::uniform({301}, 0, 1, {}, 99), internal::host_uniform({301}, 0, 1, DType::float32, 99, 0));
  near(random::normal({301}, 0, 1, {}, 99), internal::host_normal({301}, 0, 1, DType::float32, 99, 0));
  near(random::truncated_normal({301}, 0, 1, {}, 99),
       internal::host_truncated_normal({301}, 0, 1, DType::float32, 99, 0));
}

TEST(Random, IntegerSeedsRepeatAndGeneratorsDoNot) {
  const auto draw = [](const random::Seed& s) {
    return random::uniform({8}, 0, 1, {}, s).to_vector<float>();
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
  const random::SeedGenerator a(5), b(5);
  const auto first = draw(a);
  EXPECT_EQ(first, draw(5));  // the first draw of a generator is that of its seed
  EXPECT_NE(first, draw(a));
  EXPECT_EQ(first, draw(b));
  const auto state = a.state().value().to_vector<uint32_t>();
  EXPECT_EQ(state, (std::vector<uint32_t>{5u, 2u}));
  EXPECT_THROW(random::SeedGenerator(-1), ValueError);
}

TEST(Random, SetRandomSeedRepeatsTheGlobalGenerator) {
  utils::set_random_seed(3);
  const auto a = random::normal({4}).to_vector<float>();
  const auto b = random::normal({4}).to_vector<float>();
  utils::set_random_seed(3);
  EXPECT_EQ(a, random::normal({4}).to_vector<float>());
  EXPECT_EQ(b, random::normal({4}).to_vector<float>());
  EXPECT_NE(a, b);
}

TEST(Random, RandintCoversItsRange) {
  const Tensor t = random::randint({kMany}, -3, 5, DType::int32, 1);
  EXPECT_EQ(t.dtype(), DType::int32);
  std::vector<int> counts(8, 0);
  for (const int v : t.to_vector<int32_t>()) {
    ASSERT_GE(v, -3);
    ASSERT_LT(v, 5);
    ++counts[static_cast<size_t>(v + 3)];
  }
  for (const int n : counts) EXPECT_NEAR(n, kMany / 8, 300);
  EXPECT_THROW(random::randint({2}, 5, 5), ValueError);
}

TEST(Random, CategoricalFollowsTheLogits) {
  const Tensor logits = Tensor::from(std::vector<float>{0.f, std::log(3.f), -1e9f}, Shape{1, 3});
  const auto v = random::categorical(logits, 20000, DType::int32, 4).to_vector<int32_t>();
  EXPECT_NEAR(static_cast<double>(std::count(v.begin(), v.end(), 1)) / 20000, 0.75, 0.02);
  EXPECT_EQ(std::count(v.begin(), v.end(), 2), 0);
}

TEST(Random, DropoutKeepsByTheRandomWords) {
  const Tensor x = Tensor::from(std::vector<float>(1000, 1.f), Shape{10, 100});
  const auto y = random::dropout(x, 0.25, {}, 11).to_vector<float>();
  std::vector<uint32_t> words(1000);
  Philox(11, 0).fill(0, std::span<uint32_t>(words));
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_FLOAT_EQ(y[i], words[i] >= 0x40000000u ? 1.f / 0.75f : 0.f) << i;
  const auto rows = random::dropout(x, 0.5, {10, 1}, 11).to_vector<float>();
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], rows[i / 100 * 100]);
  EXPECT_EQ(random::dropout(x, 0.0, {}, 11).to_vector<float>(), x.to_vector<float>());
  EXPECT_THROW(random::dropout(x, 1.5), ValueError);
}

TEST(Random, ShuffleKeepsTheSlices) {
  std::vector<int32_t> values(60);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i);
  auto v = random::shuffle(Tensor::from(values, Shape{20, 3}), 0, 2).to_vector<int32_t>();
  EXPECT_NE(v, values);
  for (size_t i = 0; i < v.size(); i += 3) {
    EXPECT_EQ(v[i + 1], v[i] + 1);
    EXPECT_EQ(v[i] % 3, 0);
  }
  std::sort(v.begin(), v.end());
  EXPECT_EQ(v, values);
}

TEST(Random, GammaBetaAndBinomialHaveTheirMoments) {
  for (const double alpha : {0.4, 3.0}) {
    const auto m = moments(random::gamma({kMany}, Tensor(alpha), {}, 3));
    EXPECT_NEAR(m.mean, alpha, 0.05 * std::max(alpha, 1.0)) << alpha;
    EXPECT_NEAR(m.variance, alpha, 0.1 * std::max(alpha, 1.0)) << alpha;
  }
  const auto b = moments(random::beta({kMany}, Tensor(2.0), Tensor(3.0), {}, 3));
  EXPECT_NEAR(b.mean, 0.4, 0.01);
  EXPECT_NEAR(b.variance, 0.04, 0.003);
  const auto n = moments(random::binomial({kMany}, Tensor(100.0), Tensor(0.3), {}, 3));
  EXPECT_NEAR(n.mean, 30.0, 0.2);
  EXPECT_NEAR(n.variance, 21.0, 1.0);
}

}  // namespace
}  // namespace keras
