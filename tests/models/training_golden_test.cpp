// SPDX-License-Identifier: Apache-2.0
// Small models trained for 20 steps against real Keras: losses and accuracies of every step, the weights and
// a prediction afterwards (tests/golden/training_*.npz).
#include <gtest/gtest.h>

#include <cmath>

#include "golden/golden_file.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/activation.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/embedding.h"
#include "keras/nn/layers/merging.h"
#include "keras/nn/layers/multi_head_attention.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/layers/pooling.h"
#include "keras/nn/layers/recurrent_wrappers.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/ops/operation.h"
#include "keras/tensor/config.h"
#include "nn/close.h"

namespace keras {
namespace {

// One of the models of tests/golden/make_training.py.
struct Recipe {
  const char* name;
  std::shared_ptr<Model> (*model)();
};

std::shared_ptr<Model> cnn() {
  return std::make_shared<Sequential>(Sequential(
      {Input({8, 8, 1}), layers::Conv2D(3, 3, {.padding = "same", .name = "conv1"}),
       layers::BatchNormalization({.name = "bn"}), layers::Activation("relu", {.name = "act"}),
       layers::MaxPooling2D({2, 2}, {.name = "pool"}),
       layers::Conv2D(4, 3, {.activation = "relu", .name = "conv2"}), layers::Flatten({.name = "flatten"}),
       layers::Dropout(0.0, {.name = "drop"}), layers::Dense(3, {.activation = "softmax", .name = "out"})},
      {.name = "cnn"}));
}

std::shared_ptr<Model> lstm() {
  return std::make_shared<Sequential>(Sequential(
      {Input({6}, {.dtype = "int32"}), layers::Embedding(7, 4, {.mask_zero = true, .name = "embed"}),
       layers::Bidirectional(layers::LSTM(3, {.return_sequences = true}), {.name = "both"}),
       layers::GRU(3, {.name = "gru"}), layers::Dense(1, {.activation = "sigmoid", .name = "out"})},
      {.name = "lstm"}));
}

std::shared_ptr<Model> transformer() {
  const Tensor tokens = Input({6}, {.dtype = "int32", .name = "tokens"});
  Tensor x = layers::Embedding(7, 4, {.name = "embed"})(tokens);
  Tensor h = layers::MultiHeadAttention(2, 2, {.name = "attention"})(x, x, {.use_causal_mask = true});
  x = layers::LayerNormalization({.name = "norm1"})(layers::Add({.name = "add1"})({x, h}).tensor());
  h = layers::Dense(4, {.name = "down"})(layers::Dense(8, {.activation = "silu", .name = "up"})(x));
  x = layers::LayerNormalization({.name = "norm2"})(layers::Add({.name = "add2"})({x, h}).tensor());
  return std::make_shared<Model>(tokens, layers::Dense(7, {.name = "logits"})(x),
                                 LayerOptions{.name = "transformer"});
}

constexpr Recipe kRecipes[] = {{"cnn", cnn}, {"lstm", lstm}, {"transformer", transformer}};

// What Keras compiled the model with.
CompileOptions compile_options(const Json& config) {
  CompileOptions options;
  const auto optimizer = ObjectEnvelope::from_json(config["optimizer"], "test");
  options.optimizer =
      make_object<Optimizer>(ObjectCategory::optimizer, optimizer.lookup_name(), optimizer.config, "test");
  if (config["loss"].is_string()) {
    options.loss = config["loss"].as_string();
  } else {
    const auto loss = ObjectEnvelope::from_json(config["loss"], "test");
    options.loss = make_object<Loss>(ObjectCategory::loss, loss.lookup_name(), loss.config, "test");
  }
  options.metrics = {config["metrics"][0].as_string()};
  return options;
}

// floatx within its life.
class FloatxScope {
 public:
  explicit FloatxScope(DType dtype) : before_(floatx()) { config::set_floatx(dtype_name(dtype)); }
  ~FloatxScope() { config::set_floatx(dtype_name(before_)); }
  FloatxScope(const FloatxScope&) = delete;
  FloatxScope& operator=(const FloatxScope&) = delete;

 private:
  DType before_;
};

void check_weights(const Model& model, const GoldenFile& golden, const Json& wanted, const char* which,
                   Tolerance tolerance) {
  const auto weights = model.weights();
  ASSERT_EQ(weights.size(), wanted.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    // Softmax sees no shift of all scores of a query: this gradient is rounding, which Adam makes larger.
    const bool rounding = weights[i].path() == "attention/key/bias";
    EXPECT_TRUE(
        close(weights[i].value(), golden.array(wanted[i][which]), rounding ? Tolerance{0, 1e-3} : tolerance))
        << weights[i].path() << ", " << which;
  }
}

void train(const Recipe& recipe, const GoldenFile& golden, const Json& c) {
  const DType dtype = parse_dtype(c["dtype"].as_string());
  const FloatxScope scope(dtype);
  const bool wide = dtype == DType::float64;
  const Tolerance tolerance = wide ? Tolerance{1e-9, 1e-10} : Tolerance{1e-4, 1e-5};
  internal::reset_auto_names();
  const auto model = recipe.model();
  const Json& wanted = c["weights"];
  const auto weights = model->weights();
  ASSERT_EQ(weights.size(), wanted.size());
  std::vector<Tensor> values;
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(weights[i].path(), wanted[i]["path"].as_string());
    EXPECT_EQ(weights[i].dtype(), dtype) << weights[i].path();
    values.push_back(golden.array(wanted[i]["key"]));
  }
  if (c["file"].is_null()) {
    model->set_weights(values);
  } else {
    model->load_weights(checkout::source_path("tests/golden/" + c["file"].as_string()));
    check_weights(*model, golden, wanted, "key", {0, 0});
  }
  model->compile(compile_options(c["compile_config"]));
  const auto& xs = c["x"].as_list();
  const auto& ys = c["y"].as_list();
  for (int64_t step = 0; step < c["steps"].as_int(); ++step) {
    const auto i = static_cast<size_t>(step);
    auto logs = model->train_on_batch(golden.array(xs[i % xs.size()]), golden.array(ys[i % ys.size()]));
    const double loss = c["losses"][i].as_real();
    EXPECT_NEAR(logs["loss"], loss, tolerance.relative * std::abs(loss)) << "step " << step;
    EXPECT_NEAR(logs["accuracy"], c["accuracy"][i].as_real(), 1e-6) << "step " << step;
  }
  check_weights(*model, golden, wanted, "final", tolerance);
  const Tensor predicted = model->predict(golden.array(xs[0]), {.verbose = 0}).tensor();
  EXPECT_TRUE(close(predicted, golden.array(c["predict"]), tolerance)) << "prediction";
}

class TrainingGolden : public ::testing::TestWithParam<Recipe> {};

TEST_P(TrainingGolden, StepsAreKeras) {
  const GoldenFile golden(std::string("training_") + GetParam().name);
  ASSERT_EQ(golden.cases().size(), 2u);
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(c["name"].as_string());
    train(GetParam(), golden, c);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TrainingGolden, ::testing::ValuesIn(kRecipes),
                         [](const auto& recipe) { return std::string(recipe.param.name); });

}  // namespace
}  // namespace keras
