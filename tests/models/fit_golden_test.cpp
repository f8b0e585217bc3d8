// SPDX-License-Identifier: Apache-2.0
// fit, evaluate and predict against real Keras: every log of every batch and epoch, weights, and what
// callbacks did, for the cases of tests/golden/fit.npz.
#include <gtest/gtest.h>

#include "golden/golden_file.h"
#include "keras/models/callbacks/early_stopping.h"
#include "keras/models/callbacks/lambda_callback.h"
#include "keras/models/callbacks/reduce_lr_on_plateau.h"
#include "keras/models/save.h"
#include "keras/nn/optimizers/loss_scale_optimizer.h"
#include "keras/ops/numpy.h"
#include "nn/close.h"

namespace keras {
namespace {

// Sums of a batch run in another order than TensorFlow's, and training carries the rounding on.
constexpr Tolerance kLogs{2e-5, 2e-6};
constexpr Tolerance kWeights{1e-4, 2e-6};
// Half precision rounds after every op, and a fused op is one.
constexpr Tolerance kHalf{5e-3, 2e-3};
constexpr Tolerance kBfloat16{2e-2, 1e-2};

struct Tolerances {
  Tolerance logs = kLogs, weights = kWeights;
};

Tolerances tolerances_of(const std::string& name) {
  if (name.find("bfloat16") != std::string::npos || name == "layer_policies") return {kBfloat16, kBfloat16};
  if (name.find("float16") != std::string::npos) return {kHalf, kHalf};
  return {};
}

void expect_near(double ours, double theirs, const Tolerance& tolerance, const std::string& what) {
  EXPECT_NEAR(ours, theirs, tolerance.absolute + tolerance.relative * std::abs(theirs)) << what;
}

std::shared_ptr<Model> model_of(const Json& c) {
  Json json = c["model"];
  json.erase("compile_config");
  auto model = std::dynamic_pointer_cast<Model>(deserialize_layer(json).shared());
  const auto variables = model->weights();
  EXPECT_EQ(variables.size(), c["weights"].size());
  return model;
}

Nest load(const GoldenFile& golden, const Json& keys) {
  if (keys.is_null()) return {};
  if (keys.is_string()) return golden.array(keys);
  if (keys.is_list()) {
    std::vector<Nest> items;
    for (const Json& key : keys.as_list()) items.push_back(load(golden, key));
    return Nest(std::move(items));
  }
  std::vector<Nest::Item> items;
  for (const auto& [name, key] : keys.as_dict()) items.emplace_back(name, load(golden, key));
  return Nest::dict(std::move(items));
}

CallbackHandle callback_of(const Json& json) {
  const Json& k = json["kwargs"];
  if (json["class_name"].as_string() == "EarlyStopping") {
    return callbacks::EarlyStopping({.monitor = k["monitor"].as_string(),
                                     .min_delta = k["min_delta"].as_real(),
                                     .patience = k["patience"].as_int(),
                                     .restore_best_weights = k["restore_best_weights"].as_bool()});
  }
  EXPECT_EQ(json["class_name"].as_string(), "ReduceLROnPlateau");
  return callbacks::ReduceLROnPlateau({.monitor = k["monitor"].as_string(),
                                       .factor = k["factor"].as_real(),
                                       .patience = k["patience"].as_int(),
                                       .min_delta = k["min_delta"].as_real(),
                                       .cooldown = k["cooldown"].as_int(),
                                       .min_lr = k["min_lr"].as_real()});
}

FitOptions fit_options(const GoldenFile& golden, const Json& c) {
  const Json& k = c["fit_kwargs"];
  FitOptions out;
  out.batch_size = k["batch_size"].as_int();
  out.epochs = k["epochs"].as_int();
  out.shuffle = k["shuffle"].as_bool();
  out.verbose = 0;
  out.validation_split = k.get("validation_split", 0.0).as_real();
  out.validation_freq = k.get("validation_freq", 1).as_int();
  out.initial_epoch = k.get("initial_epoch", 0).as_int();
  if (const Json* steps = k.find("steps_per_epoch")) out.steps_per_epoch = steps->as_int();
  if (const Json* weights = k.find("class_weight")) {
    for (const auto& [key, weight] : weights->as_dict()) out.class_weight[std::stoll(key)] = weight.as_real();
  }
  out.sample_weight = load(golden, c["sample_weight"]);
  const Nest validation = load(golden, c["validation_data"]);
  if (!validation.is_none()) {
    out.validation_data = {validation[0], validation[1], validation.size() > 2 ? validation[2] : Nest()};
  }
  return out;
}

void expect_logs(const Logs& ours, const Json& theirs, const std::string& where, const Tolerance& tolerance) {
  std::vector<std::string> our_names, their_names;
  for (const auto& [name, value] : ours) our_names.push_back(name);
  for (const auto& [name, value] : theirs.as_dict()) their_names.push_back(name);
  std::sort(their_names.begin(), their_names.end());
  EXPECT_EQ(our_names, their_names) << where;
  for (const auto& [name, value] : theirs.as_dict()) {
    if (!ours.contains(name)) continue;
    expect_near(ours[name], value.as_real(), tolerance, where + " " + name);
  }
}

void expect_close(const Nest& ours, const Nest& theirs, const Tolerance& tolerance) {
  ASSERT_EQ(ours.flatten().size(), theirs.flatten().size());
  for (size_t i = 0; i < ours.flatten().size(); ++i) {
    EXPECT_TRUE(close(ours.flatten()[i], theirs.flatten()[i], tolerance)) << "leaf " << i;
  }
}

Nest first_rows(const Nest& nest, int64_t count) {
  return nest.map([&](const Tensor& t) { return t[Index(Slice(0, count))]; });
}

void check(const GoldenFile& golden, const Json& c) {
  const auto [log_tolerance, weight_tolerance] = tolerances_of(c["name"].as_string());
  const auto model = model_of(c);
  const Nest x = load(golden, c["x"]), y = load(golden, c["y"]);
  const auto variables = model->weights();
  for (size_t i = 0; i < variables.size(); ++i) variables[i].assign(golden.array(c["weights"][i]["key"]));
  Json compile = c["compile_config"];
  compile.set("auto_scale_loss", c["name"].as_string() != "mixed_float16_unscaled");
  compile_from_config(*model, compile);

  FitOptions options = fit_options(golden, c);
  std::vector<Logs> batch_logs;
  options.callbacks.push_back(callbacks::LambdaCallback(
      {.on_train_batch_end = [&](int64_t, Logs& logs) { batch_logs.push_back(logs); }}));
  for (const Json& callback : c["callbacks"].as_list()) options.callbacks.push_back(callback_of(callback));
  const auto history = model->fit(x, y, options);

  const auto& theirs = c["batch_logs"].as_list();
  ASSERT_EQ(batch_logs.size(), theirs.size());
  for (size_t i = 0; i < theirs.size(); ++i) {
    expect_logs(batch_logs[i], theirs[i], "batch " + std::to_string(i), log_tolerance);
  }
  ASSERT_EQ(history->epoch.size(), c["epochs_run"].size());
  for (size_t i = 0; i < history->epoch.size(); ++i) {
    EXPECT_EQ(history->epoch[i], c["epochs_run"][i].as_int());
  }
  EXPECT_EQ(history->history.size(), c["history"].size());
  for (const auto& [name, values] : c["history"].as_dict()) {
    const auto ours = (*history)[name];
    ASSERT_EQ(ours.size(), values.size()) << name;
    for (size_t i = 0; i < ours.size(); ++i) {
      expect_near(ours[i], values[i].as_real(), log_tolerance, name + " of epoch " + std::to_string(i));
    }
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    EXPECT_TRUE(close(variables[i].value(), golden.array(c["final_weights"][i]), weight_tolerance))
        << variables[i].path();
  }
  const auto* scaled = dynamic_cast<const optimizers::LossScaleOptimizer*>(&model->optimizer());
  ASSERT_EQ(scaled != nullptr, !c["loss_scale"].is_null());
  if (scaled != nullptr) {
    EXPECT_EQ(scaled->dynamic_scale().value().item<double>(), c["loss_scale"].as_real());
  }
  // Keras counts only the steps that change weights.
  const auto accumulated = model->optimizer().settings().gradient_accumulation_steps.value_or(1);
  EXPECT_EQ(model->optimizer().iterations().value().item<int64_t>() / accumulated,
            c["optimizer_iterations"].as_int());

  const Logs evaluated = model->evaluate(x, y, {.batch_size = 32, .verbose = 0});
  expect_logs(evaluated, c["evaluate"], "evaluate", log_tolerance);
  const auto listed = model->flatten_metrics_in_order(evaluated);
  ASSERT_EQ(listed.size(), c["evaluate_list"].size());
  for (size_t i = 0; i < listed.size(); ++i) {
    expect_near(listed[i], c["evaluate_list"][i].as_real(), log_tolerance, "place " + std::to_string(i));
  }
  if (!c["evaluate_weighted"].is_null()) {
    const Logs weighted = model->evaluate(
        x, y, {.batch_size = 32, .verbose = 0, .sample_weight = load(golden, c["sample_weight"])});
    expect_logs(weighted, c["evaluate_weighted"], "evaluate with weights", log_tolerance);
  }
  expect_close(model->predict(first_rows(x, 3), {.verbose = 0}), load(golden, c["predict_3"]),
               weight_tolerance);
}

const GoldenFile& golden_fit() {
  static const GoldenFile golden("fit");
  return golden;
}

std::vector<std::string> case_names() {
  std::vector<std::string> out;
  for (const Json& c : golden_fit().cases()) out.push_back(c["name"].as_string());
  return out;
}

class FitGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(FitGolden, LogsAndWeightsAreKeras) {
  for (const Json& c : golden_fit().cases()) {
    if (c["name"].as_string() == GetParam()) check(golden_fit(), c);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FitGolden, ::testing::ValuesIn(case_names()),
                         [](const auto& given) { return given.param; });

}  // namespace
}  // namespace keras
