// SPDX-License-Identifier: Apache-2.0
// Normalization: adapt on arrays and batches, given statistics, errors. Its numbers for set weights are
// compared in layers_golden_test.cpp.
#include "keras/nn/layers/feature_normalization.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

Tensor sample() {
  return ops::sin(ops::reshape(ops::arange(0, 120, 1, DType::float32), {20, 2, 3})) * Tensor{1.f, 5.f, 0.1f} +
         2;
}

void expect_standard(const Tensor& y, const ops::Axis& axis) {
  const Tensor mean = ops::mean(y, axis), variance = ops::var(y, axis);
  EXPECT_TRUE(close(mean, ops::zeros_like(mean), {0, 2e-5}));
  EXPECT_TRUE(close(variance, ops::ones_like(variance), {1e-4, 0}));
}

TEST(Normalization, AdaptsToItsAxes) {
  const Tensor x = sample();
  layers::Normalization last;
  last.adapt(x);
  EXPECT_EQ(last.mean.shape(), Shape{3});
  expect_standard(last(x), {0, 1});
  EXPECT_TRUE(close(last.mean.value(), ops::mean(x, {0, 1})));
  EXPECT_TRUE(close(last.variance.value(), ops::var(x, {0, 1})));
  layers::Normalization both({1, -1});
  both.adapt(x);
  EXPECT_EQ(both.mean.shape(), (Shape{2, 3}));
  expect_standard(both(x), 0);
  layers::Normalization none(std::nullopt);
  none.adapt(x);
  EXPECT_EQ(none.mean.shape(), Shape{});
  expect_standard(none(x), {});
  // A second adaptation replaces the first.
  last.adapt(x * 10 + 1);
  expect_standard(last(x * 10 + 1), {0, 1});
}

TEST(Normalization, AdaptsToBatchesAsToTheirUnion) {
  const Tensor x = sample();
  layers::Normalization whole, parts;
  whole.adapt(x);
  const auto pieces = ops::split(x, std::vector<int64_t>{3, 11}, 0);
  parts.adapt(pieces);
  EXPECT_TRUE(close(parts.mean.value(), whole.mean.value()));
  EXPECT_TRUE(close(parts.variance.value(), whole.variance.value(), {1e-4, 1e-6}));
}

TEST(Normalization, BringsNormalizedInputsBack) {
  const Tensor x = sample();
  layers::Normalization there, back(-1, {.invert = true});
  there.adapt(x);
  back.adapt(x);
  EXPECT_TRUE(close(back(there(x)), x, {1e-5, 1e-5}));
}

TEST(Normalization, CastsIntegers) {
  const Tensor x = ops::cast(Tensor{{1, 2}, {3, 8}}, DType::int32);
  layers::Normalization layer;
  layer.adapt(x);
  const Tensor y = layer(x);
  EXPECT_EQ(y.dtype(), DType::float32);
  EXPECT_TRUE(close(y, Tensor{{-1.f, -1.f}, {1.f, 1.f}}));
}

TEST(Normalization, TakesGivenStatistics) {
  layers::Normalization scalar(std::nullopt, {.mean = 2, .variance = 4});
  EXPECT_TRUE(close(scalar(Tensor{{2.f, 4.f}}), Tensor{{0.f, 1.f}}));
  EXPECT_TRUE(scalar.weights().empty());
  layers::Normalization list(-1, {.mean = Json::list({1, 2}), .variance = Json::list({1, 4})});
  EXPECT_TRUE(close(list(Tensor{{2.f, 4.f}}), Tensor{{1.f, 1.f}}));
  // A constant feature is divided by epsilon, not by zero.
  layers::Normalization constant(std::nullopt, {.mean = 2, .variance = 0});
  EXPECT_TRUE(close(constant(Tensor{{2.f}}), Tensor{{0.f}}));
  EXPECT_EQ(list.get_config()["axis"], Json::list({-1}));
  EXPECT_EQ(scalar.get_config()["axis"], Json::list());
}

TEST(Normalization, WorksWithAnOpenBatch) {
  layers::Normalization layer;
  EXPECT_EQ(layer.compute_output_shape({Dim::unknown(), 3}).to_string(), "(None, 3)");
}

TEST(Normalization, RefusesWhatDoesNotFit) {
  EXPECT_THROW(layers::Normalization(-1, {.mean = 1}), ValueError);
  EXPECT_THROW(layers::Normalization(-1, {.mean = Json::list({1, 2}), .variance = 1}), ValueError);
  EXPECT_THROW(layers::Normalization(std::nullopt, {.mean = Json::list({1}), .variance = Json::list({1})}),
               ValueError);
  EXPECT_THROW(layers::Normalization(-1, {.mean = Json::list({1, Json::list({2})}), .variance = 1}),
               ValueError);
  EXPECT_THROW(layers::Normalization(3).ensure_built({{2, 3}}), ValueError);
  EXPECT_THROW(layers::Normalization(1).ensure_built({{2, Dim::unknown(), 3}}), ValueError);
  layers::Normalization given(std::nullopt, {.mean = 2, .variance = 4});
  EXPECT_THROW(given.adapt(Tensor{{1.f}}), ValueError);
  layers::Normalization layer;
  EXPECT_THROW(layer.adapt(std::vector<Tensor>{}), ValueError);
  EXPECT_THROW(layer.adapt(ops::ones({0, 3})), ValueError);
  layer.adapt(sample());
  EXPECT_THROW(layer.adapt(ops::ones({4, 5})), ValueError);
  EXPECT_THROW(layer(ops::ones({4, 5})), ValueError);
}

}  // namespace
}  // namespace keras
