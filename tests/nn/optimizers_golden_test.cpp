// SPDX-License-Identifier: Apache-2.0
// keras.optimizers against real Keras: trajectories and states of tests/golden/optimizers*.npz, and
// schedules.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden/golden_file.h"
#include "keras/nn/optimizer.h"
#include "keras/nn/optimizers/sgd.h"
#include "nn/close.h"

namespace keras {
namespace {

Tolerance tolerance_of(DType dtype) {
  // Keras rounds every intermediate value to float16; a step here rounds its results only.
  if (dtype == DType::float16) return {4e-3, 1e-2};
  // Keras rounds the decays to float32 before it takes their powers in float64.
  if (dtype == DType::float64) return {3e-5, 1e-5};
  if (dtype == DType::bfloat16) return {3e-2, 3e-2};
  return {3e-5, 5e-6};
}

void check_case(const GoldenFile& golden, const Json& c) {
  const auto optimizer =
      make_object<Optimizer>(ObjectCategory::optimizer, c["class_name"].as_string(), c["config"], "test");
  std::vector<Variable> variables;
  for (size_t i = 0; i < c["initial"].size(); ++i) {
    variables.emplace_back(golden.array(c["initial"][i]), c["trainable_names"][i].as_string());
    variables.back().slot().path = c["trainable_names"][i].as_string();
  }
  if (const Json& excluded = c["exclude_from_weight_decay"]; excluded.is_dict()) {
    ASSERT_TRUE(excluded.contains("var_names") && excluded.size() == 1) << excluded.dump();
    std::vector<std::string> names;
    for (const Json& name : excluded["var_names"].as_list()) names.push_back(name.as_string());
    optimizer->exclude_from_weight_decay(names);
  }
  optimizer->build(variables);
  const auto& initial = c["optimizer_variables_initial"];
  const auto states = optimizer->variables();
  ASSERT_EQ(states.size(), initial.size());
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_EQ(states[i].path(), initial[i]["path"].as_string()) << i;
    EXPECT_EQ(dtype_name(states[i].dtype()), initial[i]["dtype"].as_string()) << states[i].path();
    EXPECT_EQ(FieldCodec<Shape>::to_json(states[i].shape()), initial[i]["shape"]) << states[i].path();
  }
  for (size_t step = 0; step < c["gradients"].size(); ++step) {
    std::vector<Tensor> gradients;
    for (const Json& key : c["gradients"][step].as_list()) gradients.push_back(golden.array(key));
    optimizer->apply(gradients, variables);
    for (size_t i = 0; i < variables.size(); ++i) {
      ASSERT_TRUE(close(variables[i].value(), golden.array(c["trajectory"][step][i]),
                        tolerance_of(variables[i].dtype())))
          << "step " << step << ", " << variables[i].path();
    }
    EXPECT_NEAR(optimizer->learning_rate().item<double>(), c["learning_rates"][step].as_real(), 1e-7) << step;
  }
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(close(states[i].value(), golden.array(c["optimizer_variables"][i]["key"]),
                      tolerance_of(states[i].dtype())))
        << states[i].path();
  }
  optimizer->finalize_variable_values(variables);
  for (size_t i = 0; i < variables.size(); ++i) {
    EXPECT_TRUE(
        close(variables[i].value(), golden.array(c["finalized"][i]), tolerance_of(variables[i].dtype())));
  }
}

void check_family(const std::string& family) {
  const GoldenFile golden(family);
  ASSERT_FALSE(golden.cases().empty());
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(family + ": " + c["name"].as_string());
    check_case(golden, c);
  }
}

TEST(OptimizersGolden, Plain) { check_family("optimizers"); }
TEST(OptimizersGolden, AdamFamily) { check_family("optimizers_adam"); }
TEST(OptimizersGolden, Factored) { check_family("optimizers_factored"); }
TEST(OptimizersGolden, Options) { check_family("optimizers_options"); }

TEST(SchedulesGolden, EveryClass) {
  const GoldenFile golden("schedules");
  ASSERT_FALSE(golden.cases().empty());
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(c["class_name"].as_string() + c["config"].dump());
    const auto schedule = make_object<LearningRateSchedule>(ObjectCategory::schedule,
                                                            c["class_name"].as_string(), c["config"], "test");
    const auto steps = golden.array(c["steps"]).to_vector<int64_t>();
    const auto values = golden.array(c["values"]).to_vector<double>();
    for (size_t i = 0; i < steps.size(); ++i) {
      const Tensor rate = (*schedule)(Tensor::from(std::vector<int64_t>{steps[i]}, Shape{}));
      EXPECT_EQ(rate.dtype(), DType::float32);
      EXPECT_NEAR(rate.item<double>(), values[i], 1e-7 + 2e-6 * std::abs(values[i])) << "step " << steps[i];
    }
  }
}

TEST(Optimizers, NamesResolveAsInKeras) {
  for (const char* name : {"sgd", "SGD", "rmsprop", "RMSProp", "adam", "AdamW", "adamax", "nadam", "adagrad",
                           "adadelta", "adafactor", "ftrl", "lion", "muon", "schedulefreeadamw"}) {
    std::string wanted = name;
    std::string got = Optimizer::from_name(name)->class_name();
    const auto lower = [](std::string& s) { std::transform(s.begin(), s.end(), s.begin(), ::tolower); };
    lower(wanted);
    lower(got);
    EXPECT_EQ(got, wanted);
  }
  EXPECT_THROW(Optimizer::from_name("adamm"), ValueError);
}

TEST(Optimizers, BadArgumentsAreRefused) {
  using optimizers::SGD;
  EXPECT_THROW(SGD({.momentum = 1.5}), ValueError);
  EXPECT_THROW(SGD({.clipnorm = 1.0, .clipvalue = 1.0}), ValueError);
  EXPECT_THROW(SGD({.gradient_accumulation_steps = 1}), ValueError);
  SGD sgd;
  const Variable known(Tensor{1.0, 2.0});
  const Variable unknown(Tensor{1.0, 2.0});
  sgd.build({known});
  EXPECT_THROW(sgd.apply({Tensor{1.0, 1.0}}, {unknown}), ValueError);
  EXPECT_THROW(sgd.apply({Tensor()}, {known}), ValueError);
}

}  // namespace
}  // namespace keras
