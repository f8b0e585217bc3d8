// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/session.h"

#include <gtest/gtest.h>

#include "keras/nn/layers/dense.h"
#include "keras/random.h"

namespace keras {
namespace {

TEST(Session, ClearingForgetsNamesPolicyAndDraws) {
  utils::clear_session();
  layers::Dense first(1), second(1);
  EXPECT_EQ(first.name(), "dense");
  EXPECT_EQ(second.name(), "dense_1");
  config::set_dtype_policy(DTypePolicy("mixed_bfloat16"));
  EXPECT_EQ(layers::Dense(1).compute_dtype(), DType::bfloat16);
  utils::clear_session();
  EXPECT_EQ(layers::Dense(1).name(), "dense");
  EXPECT_EQ(config::dtype_policy().name(), "float32");
  EXPECT_EQ(first.name(), "dense");
}

}  // namespace
}  // namespace keras
