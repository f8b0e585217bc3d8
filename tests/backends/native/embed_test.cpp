// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

TEST(Embed, RowsAndGradient) {
  for (int32_t dtype : {KERAS_FLOAT32, KERAS_FLOAT64, KERAS_BFLOAT16, KERAS_FLOAT16}) {
    for (int32_t id_dtype : {KERAS_INT32, KERAS_INT64, KERAS_UINT8}) {
      const Array table = random(dtype, {23, 5}, 1), ids = random(id_dtype, {4, 9}, 2, 0, 23),
                  dy = random(dtype, {4, 9, 5}, 3);
      Array y(dtype, {4, 9, 5}), gradient(KERAS_FLOAT64, {23, 5});
      for (int64_t i = 0; i < 36; ++i) {
        for (int64_t j = 0; j < 5; ++j) {
          const int64_t from = static_cast<int64_t>(ids[i]) * 5 + j;
          y[i * 5 + j] = table[from];
          gradient[from] += dy[i * 5 + j];
        }
      }
      EmbedAttributes attr{};
      attr.rows = 23;
      const Outcome rows = run("embed", attr, {table, ids}, {Array(dtype, {4, 9, 5})});
      ASSERT_EQ(rows.verdict, KERAS_NATIVE) << rows.message;
      expect_near(rows[0], y, 0, 0, "rows");
      const Outcome dtable = run("embed_grad", attr, {ids, dy}, {Array(dtype, {23, 5})});
      ASSERT_EQ(dtable.verdict, KERAS_NATIVE) << dtable.message;
      expect_near(dtable[0], cast(gradient, dtype), tolerance(dtype), tolerance(dtype), "dtable");
    }
  }
}

TEST(Embed, LargeTablesAreSharedAmongThreads) {
  const Array ids = random(KERAS_INT32, {500}, 2, 0, 3000), dy = random(KERAS_FLOAT32, {500, 24}, 3);
  Array gradient(KERAS_FLOAT64, {3000, 24});
  for (int64_t i = 0; i < 500; ++i) {
    for (int64_t j = 0; j < 24; ++j) gradient[static_cast<int64_t>(ids[i]) * 24 + j] += dy[i * 24 + j];
  }
  EmbedAttributes attr{};
  attr.rows = 3000;
  expect_near(run("embed_grad", attr, {ids, dy}, {Array(KERAS_FLOAT32, {3000, 24})})[0],
              cast(gradient, KERAS_FLOAT32), 1e-6, 1e-6, "dtable");
}

TEST(Embed, IdsOutsideTheTableAreNamed) {
  EmbedAttributes attr{};
  attr.rows = 4;
  for (double bad : {-1.0, 4.0}) {
    const Array table(KERAS_FLOAT32, {4, 2}), ids(KERAS_INT32, {3}, {0, bad, 1});
    const Outcome outcome = run("embed", attr, {table, ids}, {Array(KERAS_FLOAT32, {3, 2})});
    EXPECT_EQ(outcome.status, KERAS_ERROR_VALUE);
    EXPECT_NE(outcome.message.find("id " + std::to_string(static_cast<int>(bad)) + " at position 1"),
              std::string::npos)
        << outcome.message;
    EXPECT_EQ(run("embed_grad", attr, {ids, Array(KERAS_FLOAT32, {3, 2})}, {table}).status,
              KERAS_ERROR_VALUE);
  }
}

}  // namespace
}  // namespace keras::kernel_test
