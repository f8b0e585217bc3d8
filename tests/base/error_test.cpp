// SPDX-License-Identifier: Apache-2.0
#include "keras/base/error.h"

#include <gtest/gtest.h>

namespace keras {
namespace {

TEST(Error, SentenceHasAllParts) {
  EXPECT_EQ(internal::format_error({"Dense", "units must be positive", "units=-3", "use 1 or more"}),
            "[Dense] units must be positive. Received: units=-3. Hint: use 1 or more.");
  EXPECT_EQ(internal::format_error({"", "units must be positive", "", ""}), "units must be positive.");
}

TEST(Error, UnknownNameSuggestsTheNearest) {
  EXPECT_EQ(internal::nearest_name("sotfmax", {"relu", "softmax", "softplus"}), "softmax");
  EXPECT_EQ(internal::nearest_name("zzz", {"relu", "softmax"}), "");
  try {
    internal::fail_unknown_name("Dense", "activation", "reluu", {"relu", "softmax"});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(
        e.what(),
        "[Dense] Unknown activation. Received: 'reluu'. Hint: did you mean 'relu'? valid values: relu, "
        "softmax.");
  }
}

}  // namespace
}  // namespace keras
