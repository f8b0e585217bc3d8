// SPDX-License-Identifier: Apache-2.0
// What a backend says about each op, and that it says why.
#include <map>

#include "conformance/conformance.h"
#include "keras/runtime/coverage.h"

namespace keras::internal {
namespace {

class Coverage : public Conformance {
 protected:
  static std::map<keras_verdict, int> counts(const std::vector<OpCoverage>& rows) {
    std::map<keras_verdict, int> out;
    for (const auto& row : rows) ++out[row.verdict];
    return out;
  }
};

TEST_F(Coverage, EveryOpHasAnAnswerAndEveryOtherOneThanNativeAReason) {
  size_t asked = 0;
  for (const auto& row : coverage(current_backend())) {
    ++asked;
    EXPECT_GT(row.calls, 0) << row.op->name;
    EXPECT_NE(row.verdict, KERAS_UNSUPPORTED) << row.op->name << ": " << row.reason;
    EXPECT_EQ(row.reason.empty(), row.verdict == KERAS_NATIVE) << row.op->name << ": " << row.reason;
    if (row.verdict != KERAS_NATIVE)
      std::printf("%-26s %-9s %d of %d calls native: %s\n", row.op->name.c_str(), verdict_name(row.verdict),
                  row.native_calls, row.calls, row.reason.c_str());
  }
  size_t ops = 0;
  for (const OpDef* op : all_ops()) ops += op->has('X') ? 0 : 1;
  EXPECT_EQ(asked, ops);
}

// The numbers of docs/backends.md.
TEST_F(Coverage, VerdictsAreAsManyAsDocumented) {
  const std::map<std::string, std::map<keras_verdict, int>> documented = {
      {"plain", {{KERAS_NATIVE, 27}, {KERAS_COMPOSED, 33}, {KERAS_HOST, 65}}},
      {"tensorflow", {{KERAS_NATIVE, 101}, {KERAS_COMPOSED, 21}, {KERAS_HOST, 3}}},
      {"torch", {{KERAS_NATIVE, 99}, {KERAS_COMPOSED, 17}, {KERAS_HOST, 9}}},
  };
  const auto found = documented.find(backend());
  if (found == documented.end()) GTEST_SKIP() << "no counts are documented for " << backend();
  const auto rows = coverage(current_backend());
  EXPECT_EQ(counts(rows), found->second);
}

// The rule that the plain backend lives by: fused ops are composed, everything else that it lacks goes to the
// host.
TEST_F(Coverage, WhatAPlainBackendLacksIsComposedWhereItIsFused) {
  if (backend() != "plain") GTEST_SKIP() << "only of the plain backend";
  for (const auto& row : coverage(current_backend())) {
    if (row.verdict == KERAS_NATIVE) continue;
    EXPECT_EQ(row.verdict, row.op->rule.decompose != nullptr ? KERAS_COMPOSED : KERAS_HOST) << row.op->name;
  }
}

}  // namespace
}  // namespace keras::internal
