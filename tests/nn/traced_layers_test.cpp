// SPDX-License-Identifier: Apache-2.0
// Traced steps against eager ones: every golden case of every layer in a model that is trained, evaluated and
// asked for predictions both ways, from equal weights and seeds.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/models/model.h"
#include "keras/nn/optimizers/sgd.h"
#include "keras/nn/session.h"
#include "keras/random.h"
#include "nn/layer_cases.h"

namespace keras {
namespace {

// A compiled program adds in another order than op by op; halves are rounded after every op, and a fused op
// is one.
constexpr Tolerance kSingle{1e-5, 2e-6};
constexpr Tolerance kDouble{1e-10, 1e-10};
constexpr Tolerance kHalf{2e-2, 1e-2};
constexpr Tolerance kBfloat16{6e-2, 4e-2};

Tolerance traced_tolerance(DType computed) {
  if (computed == DType::float64) return kDouble;
  if (computed == DType::float16) return kHalf;
  if (computed == DType::bfloat16) return kBfloat16;
  return kSingle;
}

// Targets that no layer gives: the loss has a slope everywhere.
Tensor target_like(const Tensor& output) {
  std::vector<float> values(static_cast<size_t>(output.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(std::sin(1.7 * double(i) + 0.3));
  return Tensor::from(values, output.shape());
}

struct Trained {
  std::vector<double> losses;
  double judged = 0;
  std::vector<std::string> paths;
  std::vector<Tensor> variables;  // weights, states of seeds and of recurrent layers
  std::vector<Tensor> outputs;
  DType computed = DType::float32;
};

// Masks of the inputs are further inputs of the model.
struct Parts {
  Nest symbols, data;
};

Parts parts_of(const Example& example, const Nest& inputs) {
  const Json& test = *example.test;
  // Recurrent layers with states need the batch size.
  const bool stateful = test["config"].dump().find("\"stateful\": true") != std::string::npos;
  if (test["mask"].is_null()) return {symbols_of(inputs, nullptr, stateful), inputs};
  const std::vector<Tensor> masks = attach_masks(example, inputs);
  std::vector<Nest> mask_symbols;
  const Nest symbols = symbols_of(inputs, &mask_symbols, stateful);
  return {Nest{symbols, Nest(mask_symbols)}, Nest{inputs, Nest(masks)}};
}

// Two steps of training, one of evaluation, one of prediction.
Trained train(const Example& example, const std::string& policy, bool eagerly) {
  const Json& test = *example.test;
  utils::clear_session();
  utils::set_random_seed(11);
  Json config = policy.empty() ? test["config"] : with_policy(test["config"], policy);
  config.set("name", "layer_of_the_case");
  const auto layer =
      make_object<Layer>(ObjectCategory::layer, test["class_name"].as_string(), config, "test");
  const auto parts = parts_of(example, inputs_of(example));
  const Nest& inner = test["mask"].is_null() ? parts.symbols : parts.symbols[0];
  CallArgs args = arguments_of(test);
  args.training.reset();
  Model model(parts.symbols, (*layer)(inner, args));
  set_golden_weights(*layer, example);

  Trained out;
  out.computed = layer->compute_dtype();
  model.compile({.optimizer = optimizers::SGD(0.05), .loss = "mse", .run_eagerly = eagerly});
  std::vector<Nest> targets;
  bool trainable = true;
  int64_t rows = parts.data.flatten().at(0).shape().front().value();
  {
    const Nest given = model(parts.data);
    for (const Tensor& t : given.flatten()) {
      trainable = trainable && is_float(t.dtype()) && t.rank() > 0 && t.shape().front() == Dim(rows);
      // A mask weighs the loss of each position, so one of elements fits none.
      if (const Tensor mask = t.mask(); mask.defined()) trainable = trainable && mask.rank() < t.rank();
      targets.emplace_back(target_like(t));
    }
    model.clear_losses();
  }
  if (trainable && rows > 0) {
    const Nest y = targets.size() == 1 ? targets[0] : Nest(targets);
    const auto history =
        model.fit(parts.data, y, {.batch_size = rows, .epochs = 2, .verbose = 0, .shuffle = false});
    out.losses = (*history)["loss"];
    out.judged = model.evaluate(parts.data, y, {.batch_size = rows, .verbose = 0})["loss"];
  }
  out.outputs = model.predict_on_batch(parts.data).flatten();
  for (const Variable& v : model.variables()) {
    out.paths.push_back(v.path());
    out.variables.push_back(v.value());
  }
  return out;
}

void expect_equal(const Trained& traced, const Trained& eager) {
  const Tolerance tolerance = traced_tolerance(eager.computed);
  const auto near = [&](double a, double b, const char* what) {
    if (std::isnan(a) && std::isnan(b)) return;
    EXPECT_NEAR(a, b, tolerance.absolute + tolerance.relative * std::abs(b)) << what;
  };
  ASSERT_EQ(traced.losses.size(), eager.losses.size());
  for (size_t i = 0; i < eager.losses.size(); ++i) near(traced.losses[i], eager.losses[i], "a training loss");
  near(traced.judged, eager.judged, "the loss of evaluate");
  ASSERT_EQ(traced.paths, eager.paths);
  for (size_t i = 0; i < eager.variables.size(); ++i) {
    EXPECT_TRUE(close(traced.variables[i], eager.variables[i], tolerance)) << eager.paths[i];
  }
  ASSERT_EQ(traced.outputs.size(), eager.outputs.size());
  for (size_t i = 0; i < eager.outputs.size(); ++i) {
    EXPECT_EQ(traced.outputs[i].dtype(), eager.outputs[i].dtype());
    EXPECT_TRUE(close(traced.outputs[i], eager.outputs[i], tolerance)) << "output " << i;
  }
}

// Every case, with its number in place of the class.
std::map<std::string, Example> all_cases() {
  std::map<std::string, Example> out;
  for (const auto& golden : archives()) {
    for (const Json& test : golden->cases()) {
      if (find_object(ObjectCategory::layer, test["class_name"].as_string()) == nullptr) continue;
      out.emplace(std::to_string(out.size()), Example{golden.get(), &test});
    }
  }
  return out;
}

TEST(TracedLayers, TrainAsEagerOnes) {
  size_t trained = 0;
  for_each_case(all_cases(), [&](const Example& example) {
    const Trained eager = train(example, "", true);
    expect_equal(train(example, "", false), eager);
    if (!eager.losses.empty()) ++trained;
  });
  EXPECT_GT(trained, 200u);
}

TEST(TracedLayers, TrainAsEagerOnesInHalfPrecision) {
  for (const char* policy : {"mixed_float16", "mixed_bfloat16"}) {
    SCOPED_TRACE(policy);
    for_each_case(first_cases(), [&](const Example& example) {
      expect_equal(train(example, policy, false), train(example, policy, true));
    });
  }
}

}  // namespace
}  // namespace keras
