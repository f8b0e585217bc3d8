// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "chosen_backend.h"
#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"

namespace keras::internal {
namespace {

TEST(Backend, UnknownNamesAreNamed) {
  try {
    load_backend("no_such_backend");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("native"), std::string::npos) << e.what();
  }
}

// In code, before the first tensor: the way of a program that was built without knowing the backend.
TEST(Backend, IsChosenInCodeBeforeTheFirstTensor) {
  const tests::ChosenBackend before("native");
  EXPECT_THROW(config::set_backend("torch"), ValueError);
  if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
  chosen_backend.store(nullptr);
  config::set_backend("torch");
  const Tensor sum = apply_op(
      OpId::add_op, {Tensor::from(std::vector<float>{1, 2}), Tensor::from(std::vector<float>{3, 4})});
  EXPECT_EQ(config::backend(), "torch");
  EXPECT_EQ(current_backend().name(), "torch");
  EXPECT_FLOAT_EQ(sum.at<float>({1}), 6);
  chosen_backend.store(nullptr);
  config::set_backend("native");
}

}  // namespace
}  // namespace keras::internal
