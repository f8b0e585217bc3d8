// SPDX-License-Identifier: Apache-2.0
// Initial weights: the numbers of keras.random for the same seed, made on the host.
#include "keras/nn/initializers.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/random.h"
#include "nn/close.h"

namespace keras {
namespace {

TEST(Initializers, DrawWhatKerasRandomDraws) {
  using namespace initializers;
  const Shape shape{40, 3};
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor normal = RandomNormal({.mean = 1, .stddev = 2, .seed = 7})(shape, dtype);
    EXPECT_TRUE(close(normal, random::normal(shape, 1, 2, dtype, 7)));
    const Tensor cut = TruncatedNormal({.mean = 1, .stddev = 2, .seed = 7})(shape, dtype);
    EXPECT_TRUE(close(cut, random::truncated_normal(shape, 1, 2, dtype, 7)));
    const Tensor uniform = RandomUniform({.minval = -1, .maxval = 3, .seed = 7})(shape, dtype);
    EXPECT_TRUE(close(uniform, random::uniform(shape, -1, 3, dtype, 7)));
    EXPECT_EQ(normal.dtype(), dtype);
  }
}

TEST(Initializers, RefuseShapesThatNoMachineHolds) {
  const Shape large{int64_t{1} << 50};
  EXPECT_THROW(initializers::Zeros()(large, DType::float32), BackendError);
  EXPECT_THROW(initializers::RandomNormal()(large, DType::float32), BackendError);
  EXPECT_THROW(initializers::GlorotUniform()(large, DType::float32), BackendError);
  EXPECT_THROW(initializers::Orthogonal()({int64_t{1} << 50, 2}, DType::float32), BackendError);
  EXPECT_THROW(initializers::Zeros()({int64_t{1} << 50, int64_t{1} << 50}, DType::float32), ValueError);
}

}  // namespace
}  // namespace keras
