// SPDX-License-Identifier: Apache-2.0
// CategoryEncoding, Discretization and CenterCrop beyond their goldens: adapt, open shapes, errors.
#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/nn/layers/category_encoding.h"
#include "keras/nn/layers/center_crop.h"
#include "keras/nn/layers/discretization.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

// The edges that Keras 3.15 finds for the same data.
TEST(Discretization, AdaptsAsKerasDoes) {
  const Tensor wave = ops::sin(ops::arange(0, 500, 1, DType::float32) * 0.37);
  const Tensor x = wave * wave * wave;
  layers::Discretization five({.num_bins = 5});
  five.adapt(x);
  EXPECT_TRUE(
      close(Tensor::from(*five.bin_boundaries()),
            Tensor{-0.5655556917190552, -0.022966697812080383, 0.055131785571575165, 0.47692355513572693},
            {1e-5, 1e-5}));
  layers::Discretization coarse({.num_bins = 4, .epsilon = 0.05});
  coarse.adapt(ops::split(x, std::vector<int64_t>{100, 350}, 0));
  EXPECT_TRUE(close(Tensor::from(*coarse.bin_boundaries()),
                    Tensor{-0.26277172565460205, 0.00013041298370808363, 0.35992005467414856}, {1e-5, 1e-5}));
  layers::Discretization few({.num_bins = 3});
  few.adapt(Tensor{1.f, 5.f, 2.f, 9.f, 4.f});
  EXPECT_TRUE(close(Tensor::from(*few.bin_boundaries()), Tensor{1.6666666269302368, 4.3333330154418945}));
  EXPECT_EQ(few(Tensor{0.f, 3.f, 7.f}).to_vector<int>(), (std::vector<int>{0, 1, 2}));
}

TEST(Discretization, KeepsItsBinsInCopiesAndConfigs) {
  layers::Discretization layer({.num_bins = 3});
  const auto copy = layer.share();
  EXPECT_THROW((*copy)(Tensor{1.f}), ValueError);
  layer.adapt(Tensor{1.f, 5.f, 2.f, 9.f, 4.f});
  EXPECT_EQ((*copy)(Tensor{3.f}).to_vector<int>(), (std::vector<int>{1}));
  const auto again = make_object<Layer>(ObjectCategory::layer, "Discretization", layer.get_config(), "test");
  EXPECT_EQ((*again)(Tensor{3.f}).to_vector<int>(), (std::vector<int>{1}));
  EXPECT_EQ(again->get_config(), layer.get_config());
}

TEST(Discretization, RefusesWhatDoesNotFit) {
  EXPECT_THROW(layers::Discretization(DiscretizationOptions{}), ValueError);
  EXPECT_THROW(layers::Discretization({.num_bins = 0}), ValueError);
  EXPECT_THROW(layers::Discretization({.num_bins = 3, .epsilon = 0}), ValueError);
  EXPECT_THROW(layers::Discretization({.bin_boundaries = std::vector<double>{2, 1}}), ValueError);
  EXPECT_THROW(layers::Discretization({.output_mode = "one_hut", .num_bins = 2}), ValueError);
  layers::Discretization given({.bin_boundaries = std::vector<double>{1, 2}});
  EXPECT_THROW(given.adapt(Tensor{1.f}), ValueError);
  layers::Discretization open({.num_bins = 3});
  EXPECT_THROW(open.adapt(std::vector<Tensor>{}), ValueError);
  EXPECT_THROW(open.adapt(ops::zeros({0})), ValueError);
}

TEST(CategoryEncoding, KnowsItsShapes) {
  const Dim none = Dim::unknown();
  EXPECT_EQ(layers::CategoryEncoding(4).compute_output_shape({none, 3}).to_string(), "(None, 4)");
  EXPECT_EQ(
      layers::CategoryEncoding(4, {.output_mode = "one_hot"}).compute_output_shape({none, 1}).to_string(),
      "(None, 4)");
  EXPECT_EQ(
      layers::CategoryEncoding(4, {.output_mode = "one_hot"}).compute_output_shape({none, 3}).to_string(),
      "(None, 3, 4)");
  EXPECT_EQ(layers::CategoryEncoding(4, {.output_mode = "binary"}).options().output_mode, "multi_hot");
}

TEST(CategoryEncoding, RefusesWhatDoesNotFit) {
  EXPECT_THROW(layers::CategoryEncoding(0), ValueError);
  EXPECT_THROW(layers::CategoryEncoding(3, {.output_mode = "int"}), ValueError);
  layers::CategoryEncoding layer(3);
  const Tensor x = {{0, 1}}, weights = {{0.5f, 2.f}};
  EXPECT_THROW(layer(x, {.others = {{"count_weights", weights}}}), ValueError);
  EXPECT_THROW(layer(x, {.others = {{"count_weight", weights}}}), ValueError);
}

TEST(CenterCrop, TakesTheMiddle) {
  const Tensor x = ops::reshape(ops::arange(0, 30, 1, DType::int32), {1, 5, 6, 1});
  const Tensor y = layers::CenterCrop(3, 2)(x);
  EXPECT_EQ(y.dtype(), DType::float32);
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{8, 9, 14, 15, 20, 21}));
  const Dim none = Dim::unknown();
  EXPECT_EQ(layers::CenterCrop(3, 2).compute_output_shape({none, 5, 6, 1}).to_string(), "(None, 3, 2, 1)");
  EXPECT_EQ(layers::CenterCrop(3, 2).compute_output_shape({none, none, none, 1}).to_string(),
            "(None, 3, 2, 1)");
  EXPECT_EQ(layers::CenterCrop(8, 2)(x).shape(), (Shape{1, 8, 2, 1}));
  EXPECT_THROW(layers::CenterCrop(0, 2), ValueError);
  EXPECT_THROW(layers::CenterCrop(1, 2)(ops::ones({5, 6})), ValueError);
}

}  // namespace
}  // namespace keras
