// SPDX-License-Identifier: Apache-2.0
// keras.regularizers and keras.constraints against real Keras.
#include <gtest/gtest.h>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/nn/constraints.h"
#include "keras/nn/regularizers.h"
#include "nn/close.h"

namespace keras {
namespace {

TEST(RegularizersGolden, EveryClass) {
  const GoldenFile golden("regularizers");
  ASSERT_FALSE(golden.cases().empty());
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(c["class_name"].as_string() + c["config"].dump());
    const auto regularizer = make_object<Regularizer>(ObjectCategory::regularizer,
                                                      c["class_name"].as_string(), c["config"], "test");
    const Tensor w = golden.array(c["w"]);
    GradientTape tape;
    tape.watch(w);
    const Tensor penalty = (*regularizer)(w);
    EXPECT_TRUE(close(penalty, golden.array(c["result"])));
    if (!c["gradient"].is_null()) {
      EXPECT_TRUE(close(tape.gradient(penalty, w), golden.array(c["gradient"])));
    }
  }
}

TEST(ConstraintsGolden, EveryClass) {
  const GoldenFile golden("constraints");
  ASSERT_FALSE(golden.cases().empty());
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(c["class_name"].as_string() + c["config"].dump());
    const auto constraint =
        make_object<Constraint>(ObjectCategory::constraint, c["class_name"].as_string(), c["config"], "test");
    EXPECT_TRUE(close((*constraint)(golden.array(c["w"])), golden.array(c["result"])));
  }
}

TEST(Regularizers, NamesAndBadArguments) {
  for (const char* name : {"l1", "l2", "l1l2", "l1_l2", "orthogonal_regularizer", "L2"}) {
    EXPECT_NE(Regularizer::from_name(name), nullptr);
  }
  EXPECT_THROW(Regularizer::from_name("l3"), ValueError);
  EXPECT_THROW(regularizers::L2(-0.1), ValueError);
  EXPECT_THROW(regularizers::OrthogonalRegularizer(0.1, "diagonal"), ValueError);
  EXPECT_THROW(regularizers::OrthogonalRegularizer()(Tensor{1.0, 2.0}), ValueError);
}

TEST(Constraints, NamesResolveAsInKeras) {
  for (const char* name : {"max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm"}) {
    EXPECT_NE(Constraint::from_name(name), nullptr);
  }
  EXPECT_THROW(Constraint::from_name("maxnorm"), ValueError);
}

TEST(Penalties, CallablesAreNotSaved) {
  const auto regularizer = Regularizer::from_callable([](const Tensor& x) { return x; });
  EXPECT_THROW(regularizer->get_config(), UnsupportedError);
}

}  // namespace
}  // namespace keras
