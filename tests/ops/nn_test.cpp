// SPDX-License-Identifier: Apache-2.0
// keras.ops.nn: what no golden value shows.
#include "keras/ops/nn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"

namespace keras {
namespace {

TEST(NnLogits, CrossEntropyUsesTheLogitsBehindProbabilities) {
  // At these logits the probability of the second class is below float32's clipping bound.
  const Tensor logits = Tensor::from(std::vector<float>{40.f, 0.f}, Shape{1, 2});
  const Tensor label = Tensor::from(std::vector<int32_t>{1}, Shape{1});
  EXPECT_NEAR(ops::sparse_categorical_crossentropy(label, ops::softmax(logits)).at<double>({0}), 40.0, 1e-4);
  const Tensor clipped = Tensor::from(std::vector<float>{1.f, 0.f}, Shape{1, 2});
  EXPECT_NEAR(ops::sparse_categorical_crossentropy(label, clipped).at<double>({0}), -std::log(1e-7), 1e-3);
  const Tensor zero = Tensor::from(std::vector<float>{0.f, 0.f}, Shape{1, 2});
  EXPECT_NEAR(ops::binary_crossentropy(zero, ops::sigmoid(logits)).at<double>({0, 0}), 40.0, 1e-4);
}

TEST(NnErrors, NameWhatMustHold) {
  const Tensor x = Tensor::from(std::vector<float>(2 * 5 * 3, 1.f), Shape{2, 5, 3});
  const Tensor kernel = Tensor::from(std::vector<float>(3 * 2 * 4, 1.f), Shape{3, 2, 4});
  EXPECT_THROW(ops::conv(x, kernel), ValueError);
  EXPECT_THROW(ops::max_pool(x, 7), ValueError);
  EXPECT_THROW(ops::max_pool(x, 2, {}, "sane"), ValueError);
  EXPECT_THROW(ops::softmax(x, 3), ValueError);
  EXPECT_THROW(ops::glu(x, -1), ValueError);
}

}  // namespace
}  // namespace keras
