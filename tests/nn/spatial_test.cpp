// SPDX-License-Identifier: Apache-2.0
// Cropping, padding, upsampling, global pooling, transposed and depthwise convolutions, resizing: open
// shapes, defaults, and errors that teach. Their numbers are compared in layers_golden_test.cpp.
#include <gtest/gtest.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/layers/adaptive_pooling.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/conv_transpose.h"
#include "keras/nn/layers/cropping.h"
#include "keras/nn/layers/depthwise_conv.h"
#include "keras/nn/layers/global_pooling.h"
#include "keras/nn/layers/padding.h"
#include "keras/nn/layers/resizing.h"
#include "keras/nn/layers/separable_conv.h"
#include "keras/nn/layers/upsampling.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

const Dim kNone = Dim::unknown();

std::string output_shape(const Layer& layer, const Shape& input) {
  return layer.compute_output_shape(input).to_string();
}

// The message of the exception that `f` throws; "" when it throws none.
template <class Exception, class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const Exception& error) {
    return error.what();
  }
  return "";
}

TEST(SpatialLayers, KnowTheirShapesForOpenBatchesAndExtents) {
  EXPECT_EQ(output_shape(layers::Cropping1D(2), {kNone, 9, 3}), "(None, 5, 3)");
  EXPECT_EQ(output_shape(layers::Cropping2D({{1, 0}, {0, 2}}), {kNone, 9, 8, 3}), "(None, 8, 6, 3)");
  EXPECT_EQ(output_shape(layers::Cropping2D({1, 2}), {kNone, 9, 8, 3}), "(None, 7, 4, 3)");
  EXPECT_EQ(output_shape(layers::Cropping2D(), {kNone, 9, 8, 3}), "(None, 9, 8, 3)");
  EXPECT_EQ(output_shape(layers::Cropping3D(), {kNone, 9, 8, 7, 3}), "(None, 7, 6, 5, 3)");
  EXPECT_EQ(output_shape(layers::ZeroPadding1D({2, 3}, {.data_format = "channels_first"}), {kNone, 3, 9}),
            "(None, 3, 14)");
  EXPECT_EQ(output_shape(layers::ZeroPadding2D(), {kNone, 9, 8, 3}), "(None, 11, 10, 3)");
  EXPECT_EQ(output_shape(layers::ZeroPadding3D({1, 0, 2}), {kNone, 2, 2, 2, 3}), "(None, 4, 2, 6, 3)");
  EXPECT_EQ(output_shape(layers::UpSampling1D(3), {kNone, 4, 2}), "(None, 12, 2)");
  EXPECT_EQ(output_shape(layers::UpSampling2D({2, 3}), {kNone, 4, 5, 2}), "(None, 8, 15, 2)");
  EXPECT_EQ(output_shape(layers::UpSampling2D({2, 3}, {.interpolation = "Bilinear"}), {kNone, 4, 5, 2}),
            "(None, 8, 15, 2)");
  EXPECT_EQ(output_shape(layers::UpSampling3D(2, {.data_format = "channels_first"}), {kNone, 2, 4, 5, 6}),
            "(None, 2, 8, 10, 12)");
  EXPECT_EQ(output_shape(layers::GlobalAveragePooling1D(), {kNone, kNone, 3}), "(None, 3)");
  EXPECT_EQ(output_shape(layers::GlobalMaxPooling2D({.keepdims = true}), {kNone, kNone, kNone, 3}),
            "(None, 1, 1, 3)");
  EXPECT_EQ(output_shape(layers::AdaptiveAveragePooling2D({2, 3}), {kNone, 7, 7, 3}), "(None, 2, 3, 3)");
  EXPECT_EQ(output_shape(layers::Resizing(5, 6), {kNone, kNone, kNone, 3}), "(None, 5, 6, 3)");
  // Open extents: the sum and product of what is known.
  for (const Shape& open : {layers::Cropping1D(1).compute_output_shape({kNone, kNone, 3}),
                            layers::ZeroPadding1D(1).compute_output_shape({kNone, kNone, 3}),
                            layers::UpSampling1D(2).compute_output_shape({kNone, kNone, 3})}) {
    EXPECT_EQ(open.size(), 3u);
    EXPECT_FALSE(open[1].known());
    EXPECT_EQ(open[2], Dim(3));
  }
}

TEST(Convolutions, KnowTheirShapesForOpenBatches) {
  EXPECT_EQ(output_shape(layers::DepthwiseConv2D(3, {.strides = 2, .depth_multiplier = 2}), {kNone, 9, 9, 4}),
            "(None, 4, 4, 8)");
  EXPECT_EQ(output_shape(layers::DepthwiseConv1D({3}, {.padding = "SAME"}), {kNone, kNone, 4}).substr(0, 6),
            "(None,");
  EXPECT_EQ(output_shape(layers::SeparableConv1D(5, 3), {kNone, 9, 4}), "(None, 7, 5)");
  EXPECT_EQ(output_shape(layers::Conv2DTranspose(5, 3, {.strides = 2, .padding = "same"}), {kNone, 4, 4, 2}),
            "(None, 8, 8, 5)");
  EXPECT_EQ(output_shape(layers::Conv1DTranspose(5, 3, {.strides = 2}), {kNone, kNone, 2}).substr(0, 6),
            "(None,");
  EXPECT_EQ(
      output_shape(layers::Conv3DTranspose(5, 2, {.data_format = "channels_first"}), {kNone, 3, 2, 2, 2}),
      "(None, 5, 3, 3, 3)");
}

// A depthwise convolution is a grouped one, and a transposed one is the gradient of a convolution.
TEST(Convolutions, TransposedOnesAreGradients) {
  const Tensor x = ops::reshape(ops::arange(0, 2 * 7 * 6 * 3, 1, DType::float32), {2, 7, 6, 3}) / 100;
  layers::Conv2D conv(4, 3, {.strides = 2, .padding = "valid", .use_bias = false});
  GradientTape tape(true);
  tape.watch(x);
  const Tensor y = conv(x);
  const Tensor dy = ops::sin(ops::cast(y, DType::float32) * 3);
  const Tensor dx = tape.gradient(ops::sum(y * ops::stop_gradient(dy)), x);
  layers::Conv2DTranspose transpose(3, 3, {.strides = 2, .output_padding = {{0, 1}}, .use_bias = false});
  transpose.ensure_built({dy.shape()});
  transpose.kernel.assign(conv.kernel.value());
  EXPECT_TRUE(close(transpose(dy), dx, {1e-5, 1e-5}));
}

TEST(SpatialLayers, RefuseWhatDoesNotFit) {
  EXPECT_NE(message<ValueError>([] {
              layers::Cropping1D({3, 2})(ops::ones({2, 5, 1}));
            }).find("smaller than the input"),
            std::string::npos);
  EXPECT_THROW(layers::Cropping2D({{1, 3}, {0, 0}})(ops::ones({2, 4, 9, 1})), ValueError);
  EXPECT_THROW(layers::Cropping3D({0, 0, 2})(ops::ones({2, 4, 4, 4, 1})), ValueError);
  EXPECT_THROW(layers::Cropping1D(-1), ValueError);
  EXPECT_THROW(layers::Cropping2D({{1, -1}, {0, 0}}), ValueError);
  EXPECT_THROW(layers::Cropping2D({1, 2, 3}), ValueError);
  EXPECT_THROW(layers::ZeroPadding1D({1, 2, 3}), ValueError);
  EXPECT_THROW(layers::ZeroPadding2D(-2), ValueError);
  EXPECT_THROW(layers::ZeroPadding3D({1, 2}), ValueError);
  EXPECT_THROW(layers::UpSampling1D(0), ValueError);
  EXPECT_THROW(layers::UpSampling2D({2, 0}), ValueError);
  EXPECT_THROW(layers::UpSampling3D({2, 2}), ValueError);
  EXPECT_THROW(layers::AdaptiveMaxPooling1D(0), ValueError);
  EXPECT_THROW(layers::Resizing(0, 3), ValueError);
  for (const auto& f :
       std::vector<std::function<void()>>{[] {
                                            layers::Cropping2D(1)(ops::ones({2, 5, 5}));
                                          },
                                          [] {
                                            layers::ZeroPadding1D(1)(ops::ones({2, 5, 5, 1}));
                                          },
                                          [] {
                                            layers::UpSampling3D(2)(ops::ones({2, 5, 5, 1}));
                                          },
                                          [] {
                                            layers::GlobalMaxPooling1D()(ops::ones({2, 5, 5, 1}));
                                          },
                                          [] {
                                            layers::AdaptiveMaxPooling2D(1)(ops::ones({2, 5, 5}));
                                          }}) {
    EXPECT_NE(message<ValueError>(f).find("The input must have"), std::string::npos);
  }
}

TEST(SpatialLayers, HelpWithMistypedNames) {
  EXPECT_NE(
      message<ValueError>([] { layers::UpSampling2D(2, {.interpolation = "bilinaer"}); }).find("bilinear"),
      std::string::npos);
  EXPECT_NE(message<ValueError>([] { layers::Resizing(2, 2, {.interpolation = "bicubik"}); }).find("bicubic"),
            std::string::npos);
  EXPECT_NE(message<ValueError>([] {
              layers::ZeroPadding2D(2, {.data_format = "channel_first"});
            }).find("channels_first"),
            std::string::npos);
  EXPECT_NE(message<ValueError>([] { layers::DepthwiseConv2D(3, {.padding = "sane"}); }).find("same"),
            std::string::npos);
  EXPECT_NE(message<ValueError>([] { layers::Conv2DTranspose(3, 3, {.padding = "causal"}); }).find("valid"),
            std::string::npos);
}

TEST(SpatialLayers, InterpolationNeedsKnownExtents) {
  const layers::UpSampling2D layer(2, {.interpolation = "bilinear"});
  EXPECT_NE(message<UnsupportedError>([&] {
              layer.compute_output_shape({kNone, kNone, 4, 3});
            }).find("must be known"),
            std::string::npos);
}

TEST(Convolutions, RefuseWhatDoesNotFit) {
  EXPECT_THROW(layers::DepthwiseConv2D(3, {.depth_multiplier = 0}), ValueError);
  EXPECT_THROW(layers::DepthwiseConv1D(0), ValueError);
  EXPECT_THROW(layers::SeparableConv2D(0, 3), ValueError);
  EXPECT_THROW(layers::SeparableConv1D(3, {3, 3}), ValueError);
  EXPECT_THROW(layers::Conv1DTranspose(0, 3), ValueError);
  EXPECT_THROW(layers::Conv2DTranspose(2, 3, {.strides = 2, .dilation_rate = 2}), ValueError);
  EXPECT_NE(message<ValueError>([] {
              layers::Conv2DTranspose(2, 3, {.strides = 2, .output_padding = 2});
            }).find("output_padding must be less than strides"),
            std::string::npos);
  EXPECT_THROW(layers::Conv2DTranspose(2, 3).ensure_built({{kNone, 4, 4, kNone}}), ValueError);
  EXPECT_THROW(layers::SeparableConv1D(2, 3)(ops::ones({2, 4})), ValueError);
}

TEST(Resizing, RoundsAndSaturatesIntegers) {
  const Tensor x = ops::cast(Tensor{{{0}, {255}}, {{255}, {0}}}, DType::uint8);
  const Tensor y = layers::Resizing(4, 4, {.interpolation = "bicubic"})(x);
  EXPECT_EQ(y.dtype(), DType::uint8);
  // Bicubic interpolation overshoots, which would wrap around if it were not saturated.
  EXPECT_EQ((y.at<uint8_t>({0, 0, 0})), 0);
  EXPECT_EQ((y.at<uint8_t>({0, 3, 0})), 255);
}

TEST(GlobalAveragePooling1D, LeavesMaskedStepsOut) {
  const Tensor x = {{{1.f}, {2.f}, {9.f}}, {{4.f}, {7.f}, {1.f}}};
  const Tensor mask = {{true, true, false}, {true, false, false}};
  layers::GlobalAveragePooling1D pool;
  const Tensor y = pool(x, {.mask = mask});
  EXPECT_TRUE(close(y, Tensor{{1.5f}, {4.f}}));
  EXPECT_FALSE(y.mask().defined());
}

}  // namespace
}  // namespace keras
