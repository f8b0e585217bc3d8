// SPDX-License-Identifier: Apache-2.0
// Image functions by what they do: random distortion, patches and back, similarity, and errors. Keras' values
// are compared in golden_test.cpp.
#include "keras/ops/image.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"

namespace keras {
namespace {

namespace image = ops::image;

Tensor pattern(const Shape& shape) {
  return ops::sin(ops::reshape(ops::arange(0, shape.elements(), 1, DType::float32), shape) * 0.37);
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.to_vector<double>() == b.to_vector<double>();
}

double distance(const Tensor& a, const Tensor& b) { return ops::max(ops::abs(a - b)).item<double>(); }

TEST(ElasticTransform, MovesPixelsBySmoothNoise) {
  const Tensor x = pattern({2, 16, 12, 3});
  const Tensor y = image::elastic_transform(x, 20, 2, "bilinear", "reflect", 0, 5);
  EXPECT_EQ(y.shape(), x.shape());
  EXPECT_GT(distance(x, y), 0.1);
  EXPECT_LE(ops::max(ops::abs(y)).item<double>(), ops::max(ops::abs(x)).item<double>());  // no new extremes
  EXPECT_TRUE(equal(y, image::elastic_transform(x, 20, 2, "bilinear", "reflect", 0, 5)));
  EXPECT_FALSE(equal(y, image::elastic_transform(x, 20, 2, "bilinear", "reflect", 0, 6)));
  // Without displacement everything stays; "nearest" gives only values that were there.
  EXPECT_LT(distance(x, image::elastic_transform(x, 0, 2, "bilinear", "reflect", 0, 5)), 1e-6);
  const Tensor levels = ops::cast(ops::round(pattern({1, 16, 12, 1}) * 2) * 40 + 100, DType::uint8);
  const Tensor nearest = image::elastic_transform(levels, 20, 2, "nearest", "reflect", 0, 5);
  EXPECT_EQ(nearest.dtype(), DType::uint8);
  for (const double v : nearest.to_vector<double>()) EXPECT_EQ(std::fmod(v - 100, 40), 0) << v;
}

TEST(ElasticTransform, MovesAllChannelsOfAnImageAlike) {
  const Tensor line = ops::reshape(ops::arange(0, 20, 1, DType::float32), {1, 1, 20, 1});
  const Tensor x = ops::broadcast_to(line, {2, 20, 20, 2});  // each pixel holds its column
  const Tensor y = image::elastic_transform(x, 30, 3, "bilinear", "nearest", 0, 9);
  EXPECT_TRUE(equal(y[{all, all, all, 0}], y[{all, all, all, 1}]));
  EXPECT_GT(distance(y[0], y[1]), 0.1);  // each image has a field of its own
  // Neighbours move nearly alike: the field is smooth.
  const Tensor moved = y - x;
  EXPECT_LT(distance(moved[{all, Slice(1, {})}], moved[{all, Slice({}, -1)}]), 0.5 * distance(x, y));
  const Tensor first = image::elastic_transform(ops::transpose(x, {0, 3, 1, 2}), 30, 3, "bilinear", "nearest",
                                                0, 9, "channels_first");
  EXPECT_TRUE(equal(ops::transpose(first, {0, 2, 3, 1}), y));
  EXPECT_EQ(image::elastic_transform(x[0]).shape(), (Shape{20, 20, 2}));
}

TEST(ReconstructPatches, UndoesExtraction) {
  for (const std::string format : {"channels_last", "channels_first"}) {
    const bool first = format == "channels_first";
    const Tensor x = first ? pattern({2, 3, 6, 8}) : pattern({2, 6, 8, 3});
    const auto patches = image::extract_patches(x, {3, 2}, {}, 1, "valid", format);
    EXPECT_TRUE(equal(image::reconstruct_patches(patches, {3, 2}, {6, 8}, {}, "valid", format), x));
    const auto padded = image::extract_patches(x, {4, 3}, {}, 1, "same", format);
    EXPECT_TRUE(equal(image::reconstruct_patches(padded, {4, 3}, {6, 8}, {}, "same", format), x));
  }
  const Tensor single = pattern({6, 8, 3});
  EXPECT_TRUE(equal(image::reconstruct_patches(image::extract_patches(single, 2), 2, {6, 8}), single));
  const Tensor volume = pattern({1, 4, 6, 2, 3});
  const auto blocks = image::extract_patches(volume, {2, 3, 2});
  EXPECT_TRUE(equal(image::reconstruct_patches(blocks, {2, 3, 2}, {4, 6, 2}), volume));
}

TEST(ReconstructPatches, RefusesWhatDoesNotFit) {
  const Tensor patches = pattern({1, 2, 2, 12});
  EXPECT_THROW(image::reconstruct_patches(patches, {2, 2}, {4, 5}), ValueError);
  EXPECT_THROW(image::reconstruct_patches(patches, {2, 2}, {2, 4}, {}, "same"), ValueError);
  EXPECT_THROW(image::reconstruct_patches(patches, {5, 2}, {10, 4}), ValueError);
  EXPECT_THROW(image::reconstruct_patches(patches, {2, 2}, {4, 4}, 1), UnsupportedError);
  EXPECT_THROW(image::reconstruct_patches(patches, {2, 2}, {4, 4}, {}, "sane"), ValueError);
  EXPECT_THROW(image::reconstruct_patches(pattern({2, 12}), {2, 2}, {4, 4}), ValueError);
}

TEST(Ssim, IsOneForEqualImages) {
  const Tensor x = pattern({2, 14, 13, 3});
  for (const double v : image::ssim(x, x).to_vector<double>()) EXPECT_NEAR(v, 1, 1e-5);
  const Tensor noise = random::normal(x.shape(), 0, 0.3, DType::float32, 4);
  const auto near = image::ssim(x, x + noise * 0.3).to_vector<double>();
  const auto far = image::ssim(x, x + noise).to_vector<double>();
  for (size_t i = 0; i < near.size(); ++i) {
    EXPECT_LT(far[i], near[i]);
    EXPECT_LT(near[i], 0.999);
  }
  EXPECT_EQ(image::ssim(x[0], x[0]).rank(), 0);
  const Tensor first = ops::transpose(x, {0, 3, 1, 2});
  EXPECT_LT(distance(image::ssim(first, first + 1, 1, 11, 1.5, 0.01, 0.03, "channels_first"),
                     image::ssim(x, x + 1)),
            1e-5);
  EXPECT_THROW(image::ssim(x, x, 1.0, 15), ValueError);
  EXPECT_THROW(image::ssim(x, x[0]), ValueError);
  EXPECT_THROW(image::ssim(x, x, 1.0, 0), ValueError);
}

TEST(SobelEdges, FindsSlopes) {
  const Tensor row = ops::reshape(ops::arange(0, 5, 1, DType::float32), {1, 5, 1, 1});
  const Tensor x = ops::broadcast_to(row, {1, 5, 4, 2}) * 3;  // rises by 3 a row
  const Tensor y = image::sobel_edges(x);
  EXPECT_EQ(y.shape(), (Shape{1, 5, 4, 2, 2}));
  EXPECT_EQ((y.at<float>({0, 2, 1, 1, 0})), 24);  // 8 windows' weights times 3
  EXPECT_EQ((y.at<float>({0, 2, 1, 1, 1})), 0);
  EXPECT_EQ((y.at<float>({0, 0, 1, 1, 0})), 0);  // mirrored at the edge
  EXPECT_EQ(image::sobel_edges(ops::transpose(x, {0, 3, 1, 2}), "channels_first").shape(),
            (Shape{1, 2, 5, 4, 2}));
  EXPECT_THROW(image::sobel_edges(x[0]), ValueError);
  EXPECT_THROW(image::sobel_edges(ops::ones({1, 1, 4, 1})), ValueError);
}

TEST(ScaleAndTranslate, MovesAndRounds) {
  const Tensor x = ops::cast(Tensor{{{10}, {20}}, {{30}, {40}}}, DType::uint8);
  const Tensor ones = {1.0, 1.0}, shift = {1.0, 0.0};
  const Tensor y = image::scale_and_translate(x, {3, 2, 1}, ones, shift, {0, 1}, "linear");
  EXPECT_EQ(y.dtype(), DType::uint8);
  // The first row lies outside; of integers the result stays within the image's own range, as in Keras.
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{10, 10, 10, 20, 30, 40}));
  EXPECT_EQ(image::scale_and_translate(ops::cast(x, DType::float32), {3, 2, 1}, ones, shift, {0, 1}, "linear")
                .to_vector<int>(),
            (std::vector<int>{0, 0, 10, 20, 30, 40}));
  EXPECT_THROW(image::scale_and_translate(x, {3, 2, 1}, ones, shift, {0, 1}, "linaer"), ValueError);
  EXPECT_THROW(image::scale_and_translate(x, {3, 2}, ones, shift, {0, 1}, "linear"), ValueError);
  EXPECT_THROW(image::scale_and_translate(x, {3, 2, 1}, ones, shift, {0}, "linear"), ValueError);
  EXPECT_THROW(image::scale_and_translate(x, {3, 2, 1}, ones, shift, {0, 5}, "linear"), ValueError);
}

TEST(ImageFunctions, KnowTheirShapesForOpenBatches) {
  const AbstractEvaluation shapes;
  const Tensor x = AbstractEvaluation::tensor({DType::float32, {Dim::unknown(), 12, 12, 3}});
  EXPECT_EQ(image::sobel_edges(x).shape().to_string(), "(None, 12, 12, 3, 2)");
  EXPECT_EQ(image::ssim(x, x).shape().to_string(), "(None,)");
  EXPECT_EQ(image::elastic_transform(x).shape().to_string(), "(None, 12, 12, 3)");
  EXPECT_EQ(image::reconstruct_patches(image::extract_patches(x, 4), 4, {12, 12}).shape().to_string(),
            "(None, 12, 12, 3)");
}

}  // namespace
}  // namespace keras
