// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/categorical.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"

namespace keras::utils {
namespace {

TEST(Categorical, ClassesBecomeRows) {
  const Tensor rows = to_categorical(Tensor::from(std::vector<int32_t>{0, 2}, {2, 1}));
  EXPECT_EQ(rows.shape(), (Shape{2, 3}));
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(to_categorical(Tensor::from(std::vector<int64_t>{1}), 4).to_vector<float>(),
            (std::vector<float>{0, 1, 0, 0}));
  EXPECT_THROW(to_categorical(Tensor::from(std::vector<int32_t>{3}), 3), ValueError);
  EXPECT_THROW(to_categorical(Tensor::from(std::vector<int32_t>{-1})), ValueError);
  EXPECT_THROW(to_categorical(Tensor::from(std::vector<int32_t>{}, {0})), ValueError);
}

TEST(Categorical, NormalizeLeavesZerosAlone) {
  const Tensor x = Tensor::from(std::vector<float>{3, 4, 0, 0}, {2, 2});
  const auto unit = normalize(x).to_vector<float>();
  EXPECT_FLOAT_EQ(unit[0], 0.6f);
  EXPECT_FLOAT_EQ(unit[1], 0.8f);
  EXPECT_EQ(unit[2], 0.0f);
  EXPECT_EQ(unit[3], 0.0f);
  EXPECT_FLOAT_EQ(normalize(x, -1, 1).to_vector<float>()[0], 3.0f / 7);
}

}  // namespace
}  // namespace keras::utils
