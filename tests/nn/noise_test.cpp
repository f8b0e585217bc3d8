// SPDX-License-Identifier: Apache-2.0
// The random layers by what they do: statistics, the training flag, seeds, and what shares its fate.
#include "keras/nn/layers/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/spatial_dropout.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

constexpr int64_t kRows = 400, kColumns = 250;
const CallArgs kTraining{.training = true};

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments(const Tensor& x) {
  const auto values = x.to_vector<double>();
  Moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values)
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  return m;
}

// With 1e5 elements the mean of unit noise has a standard error of 0.0032; 5 of them are allowed.
constexpr double kMeanError = 0.016;

TEST(GaussianNoise, AddsNormalNoise) {
  layers::GaussianNoise noise(0.5, {.seed = 3});
  const Tensor x = ops::full({kRows, kColumns}, 2.0);
  const Tensor y = noise(x, kTraining);
  const Moments m = moments(y);
  EXPECT_NEAR(m.mean, 2.0, 0.5 * kMeanError);
  EXPECT_NEAR(m.variance, 0.25, 0.01);
  size_t within = 0;
  for (const double v : y.to_vector<double>()) within += std::abs(v - 2.0) < 0.5 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(within) / (kRows * kColumns), 0.6827, 0.01);  // as normal noise has it
}

TEST(GaussianDropout, MultipliesWithNormalNoise) {
  layers::GaussianDropout dropout(0.2, {.seed = 3});
  const Moments m = moments(dropout(ops::full({kRows, kColumns}, 3.0), kTraining));
  EXPECT_NEAR(m.mean, 3.0, 3 * 0.5 * kMeanError);
  EXPECT_NEAR(m.variance, 9 * 0.25, 0.1);  // rate / (1 - rate) = 1/4
}

TEST(GaussianDropout, NeedsARateBelowOneToTrain) {
  layers::GaussianDropout dropout(1.0);
  const Tensor x = ops::ones({2, 2});
  EXPECT_TRUE(close(dropout(x), x));
  EXPECT_THROW(dropout(x, kTraining), ValueError);
}

TEST(AlphaDropout, KeepsMeanAndVarianceOfStandardInputs) {
  layers::GaussianNoise standard(1.0, {.seed = 5});
  const Tensor x = standard(ops::zeros({kRows, kColumns}), kTraining);
  layers::AlphaDropout dropout(0.3, {.seed = 6});
  const Tensor y = dropout(x, kTraining);
  const Moments m = moments(y);
  EXPECT_NEAR(m.mean, 0, 2 * kMeanError);
  EXPECT_NEAR(m.variance, 1, 0.05);
  // What is dropped has one value: a * selu(-inf) + b.
  const double dropped = -1.6732632423543772 * 1.0507009873554805;
  const double a = 1 / std::sqrt(0.7 * (1 + 0.3 * dropped * dropped)), b = -a * dropped * 0.3;
  size_t count = 0;
  for (const double v : y.to_vector<double>()) count += std::abs(v - (a * dropped + b)) < 1e-5 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(count) / (kRows * kColumns), 0.3, 0.01);
}

TEST(AlphaDropout, SharesTheFateAlongNoiseAxesOfOne) {
  layers::AlphaDropout dropout(0.5, {.noise_shape = Shape{Dim::unknown(), 1, 6}, .seed = 4});
  const Tensor y = dropout(ops::ones({5, 7, 6}), kTraining);
  EXPECT_TRUE(close(y, ops::broadcast_to(ops::take(y, Tensor::from(std::vector<int32_t>{0}), 1), {5, 7, 6})));
  const auto values = y.to_vector<double>();
  EXPECT_GT(std::set<double>(values.begin(), values.end()).size(), 1u);
  layers::AlphaDropout wide(0.5, {.noise_shape = Shape{1, 1, 1, 1}});
  EXPECT_THROW(wide(ops::ones({5, 7, 6}), kTraining), ValueError);
}

TEST(AlphaDropout, GradientIsTheFactorOfWhatIsKept) {
  layers::AlphaDropout dropout(0.4, {.seed = 8});
  const Tensor x = ops::ones({30, 20});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = dropout(x, kTraining);
  const auto gradient = tape.gradient(ops::sum(y), x).to_vector<double>();
  const auto values = y.to_vector<double>();
  const double dropped = -1.6732632423543772 * 1.0507009873554805;
  const double a = 1 / std::sqrt(0.6 * (1 + 0.4 * dropped * dropped));
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(gradient[i], values[i] > 0 ? a : 0, 1e-5);
}

// Every spatial dropout: a channel is zero everywhere or scaled everywhere.
void expect_whole_channels(Layer& layer, const Shape& shape, int channel_axis) {
  const Tensor y = layer(Nest(ops::ones(shape)), kTraining).tensor();
  const Tensor last = ops::moveaxis(y, channel_axis, 1);
  const Tensor flat = ops::reshape(last, {y.dim(0).value(), y.dim(channel_axis).value(), -1});
  const auto least = ops::min(flat, 2).to_vector<double>();
  EXPECT_TRUE(close(ops::min(flat, 2), ops::max(flat, 2)));
  size_t zeros = 0;
  for (const double v : least) {
    EXPECT_TRUE(v == 0 || std::abs(v - 1 / 0.75) < 1e-5) << v;
    zeros += v == 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(zeros) / static_cast<double>(least.size()), 0.25, 0.05);
}

TEST(SpatialDropout, DropsWholeChannels) {
  layers::SpatialDropout1D one(0.25, {.seed = 1});
  expect_whole_channels(one, {60, 3, 50}, 2);
  layers::SpatialDropout2D two(0.25, {.seed = 1});
  expect_whole_channels(two, {60, 3, 2, 50}, 3);
  layers::SpatialDropout2D first(0.25, {.data_format = "channels_first", .seed = 1});
  expect_whole_channels(first, {60, 50, 3, 2}, 1);
  layers::SpatialDropout3D three(0.25, {.seed = 1});
  expect_whole_channels(three, {60, 3, 2, 2, 50}, 4);
  layers::SpatialDropout3D volume(0.25, {.data_format = "channels_first", .seed = 1});
  expect_whole_channels(volume, {60, 50, 3, 2, 2}, 1);
  EXPECT_THROW(one(ops::ones({2, 3, 4, 5}), kTraining), ValueError);
}

using Make = std::function<std::shared_ptr<Layer>(double amount, std::optional<int64_t> seed)>;

const std::vector<std::pair<const char*, Make>>& random_layers() {
  static const std::vector<std::pair<const char*, Make>> rows = {
      {"Dropout",
       [](double r, auto s) { return std::make_shared<layers::Dropout>(r, DropoutOptions{.seed = s}); }},
      {"GaussianNoise",
       [](double r, auto s) {
         return std::make_shared<layers::GaussianNoise>(r, GaussianNoiseOptions{.seed = s});
       }},
      {"GaussianDropout",
       [](double r, auto s) {
         return std::make_shared<layers::GaussianDropout>(r, GaussianDropoutOptions{.seed = s});
       }},
      {"AlphaDropout",
       [](double r, auto s) {
         return std::make_shared<layers::AlphaDropout>(r, AlphaDropoutOptions{.seed = s});
       }},
      {"SpatialDropout1D",
       [](double r, auto s) {
         return std::make_shared<layers::SpatialDropout1D>(r, SpatialDropout1DOptions{.seed = s});
       }},
  };
  return rows;
}

bool equal(const Tensor& a, const Tensor& b) { return a.to_vector<double>() == b.to_vector<double>(); }

TEST(RandomLayers, ActInTrainingOnly) {
  const Tensor x = ops::reshape(ops::arange(0, 600, 1, DType::float32) + 1, {5, 20, 6});
  for (const auto& [name, make] : random_layers()) {
    SCOPED_TRACE(name);
    auto layer = make(0.5, 3);
    EXPECT_TRUE(equal((*layer)(x), x));
    EXPECT_TRUE(equal((*layer)(x, {.training = false}), x));
    EXPECT_FALSE(equal((*layer)(x, kTraining), x));
    EXPECT_TRUE(equal((*make(0.0, 3))(x, kTraining), x));
    EXPECT_TRUE(layer->supports_masking());
    EXPECT_EQ(layer->compute_output_shape({Dim::unknown(), 20, 6}).to_string(), "(None, 20, 6)");
  }
}

TEST(RandomLayers, SeedsRepeatAndDrawsDiffer) {
  const Tensor x = ops::ones({5, 20, 6});
  for (const auto& [name, make] : random_layers()) {
    SCOPED_TRACE(name);
    auto a = make(0.5, 3), b = make(0.5, 3), other = make(0.5, 4);
    const Tensor first = (*a)(x, kTraining);
    EXPECT_TRUE(equal(first, (*b)(x, kTraining)));
    EXPECT_FALSE(equal(first, (*other)(x, kTraining)));
    const Tensor second = (*a)(x, kTraining);
    EXPECT_FALSE(equal(first, second));
    EXPECT_TRUE(equal(second, (*b)(x, kTraining)));
    EXPECT_EQ(a->variables().size(), 1u);  // the random state
    EXPECT_TRUE(a->weights().empty());
  }
}

TEST(RandomLayers, RefuseAmountsOutsideTheUnitInterval) {
  for (const auto& [name, make] : random_layers()) {
    SCOPED_TRACE(name);
    EXPECT_THROW(make(-0.1, {}), ValueError);
    EXPECT_THROW(make(1.1, {}), ValueError);
    EXPECT_THROW(make(std::nan(""), {}), ValueError);
  }
}

TEST(RandomLayers, WorkInHalfPrecision) {
  for (const auto& [name, make] : random_layers()) {
    SCOPED_TRACE(name);
    config::set_dtype_policy("mixed_bfloat16");
    auto layer = make(0.5, 3);
    config::set_dtype_policy("float32");
    const Tensor y = (*layer)(ops::ones({5, 20, 6}), kTraining);
    EXPECT_EQ(y.dtype(), DType::bfloat16);
  }
}

}  // namespace
}  // namespace keras
