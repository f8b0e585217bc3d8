// SPDX-License-Identifier: Apache-2.0
// Dtype policies end to end; the numbers of whole trainings are in fit_golden_test.cpp.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/models/save.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/optimizers/loss_scale_optimizer.h"
#include "keras/nn/optimizers/sgd.h"
#include "keras/nn/session.h"
#include "keras/ops/core.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras {
namespace {

// Sets the global policy while it lives.
class Policy {
 public:
  explicit Policy(const char* name) { config::set_dtype_policy(name); }
  ~Policy() { utils::clear_session(); }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
};

const Tensor kX = Tensor::from(std::vector<float>{-1, 0.5, 0.25, 1, 0.75, -0.5, 0.125, 2}, {4, 2});
const Tensor kY = Tensor::from(std::vector<float>{1, 0, -1, 0.5}, {4, 1});

// Notes in which dtypes the loss is asked.
class Watching : public Model {
  layers::Dense dense{1};

 public:
  KERAS_MODEL(Watching, dense)
  Tensor call(const Tensor& x, const CallArgs&) override {
    input = x.dtype();
    return dense(x);
  }
  Tensor compute_loss(const Nest& x, const Nest& y, const Nest& y_pred, const Nest& weights,
                      bool training) override {
    output = y_pred.tensor().dtype();
    const Tensor value = Model::compute_loss(x, y, y_pred, weights, training);
    loss = value.dtype();
    return value;
  }
  DType input = DType::int8, output = DType::int8, loss = DType::int8;
};

TEST(MixedPrecision, ComputesInHalfOnFloat32Weights) {
  for (const auto& [name, dtype] :
       {std::pair{"mixed_float16", DType::float16}, std::pair{"mixed_bfloat16", DType::bfloat16}}) {
    const Policy policy(name);
    Watching model;
    model.compile({.optimizer = optimizers::SGD(0.125), .loss = "mse"});
    model.fit(kX, kY, {.epochs = 2, .verbose = 0});
    EXPECT_EQ(model.dtype_policy().name(), name);
    EXPECT_EQ(model.input, dtype);
    EXPECT_EQ(model.output, dtype);
    EXPECT_EQ(model.loss, DType::float32);
    for (const auto& w : model.weights()) EXPECT_EQ(w.dtype(), DType::float32);
    EXPECT_EQ(model.predict(kX, {.verbose = 0}).tensor().dtype(), dtype);
  }
}

TEST(MixedPrecision, EndsWithTheSession) {
  { const Policy policy("mixed_float16"); }
  EXPECT_EQ(config::dtype_policy().name(), "float32");
  EXPECT_EQ(layers::Dense(1).name(), "dense");
  config::set_floatx("float64");
  EXPECT_EQ(config::dtype_policy().name(), "float64");
  config::set_floatx("float32");
}

TEST(MixedPrecision, PoliciesOfLayersCountAlone) {
  Sequential model({Input({2}), layers::Dense(3, {.dtype = "mixed_bfloat16"}), layers::LayerNormalization(),
                    layers::Dense(1, {.dtype = "bfloat16"})});
  EXPECT_EQ(model.layers()[0]->compute_dtype(), DType::bfloat16);
  EXPECT_EQ(model.layers()[1]->compute_dtype(), DType::float32);
  EXPECT_EQ(model.weights().front().dtype(), DType::float32);
  EXPECT_EQ(model.weights().back().dtype(), DType::bfloat16);
  EXPECT_EQ(model.predict(kX, {.verbose = 0}).tensor().dtype(), DType::bfloat16);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_TRUE(std::isfinite(model.train_on_batch(kX, kY)["loss"]));
}

Sequential half_model() {
  const Policy policy("mixed_float16");
  return Sequential({Input({2}), layers::Dense(1, {.kernel_initializer = "ones"})});
}

const optimizers::LossScaleOptimizer* scaling(const Model& model) {
  return dynamic_cast<const optimizers::LossScaleOptimizer*>(&model.optimizer());
}

TEST(MixedPrecision, Float16ScalesTheLossUnlessToldOtherwise) {
  auto model = half_model();
  model.compile({.optimizer = optimizers::SGD(0.125), .loss = "mse"});
  ASSERT_NE(scaling(model), nullptr);
  EXPECT_EQ(model.optimizer().learning_rate().item<double>(), 0.125);
  // The config names what the user gave, as Keras' does.
  EXPECT_EQ(compile_config(model)["optimizer"]["class_name"].as_string(), "SGD");
  model.compile({.optimizer = "sgd", .loss = "mse", .auto_scale_loss = false});
  EXPECT_EQ(scaling(model), nullptr);
  model.compile({.optimizer = optimizers::LossScaleOptimizer(optimizers::SGD(0.125), {.initial_scale = 4}),
                 .loss = "mse"});
  ASSERT_NE(scaling(model), nullptr);
  EXPECT_EQ(dynamic_cast<const optimizers::LossScaleOptimizer*>(&scaling(model)->inner()), nullptr);

  const Policy policy("mixed_bfloat16");
  Sequential other({Input({2}), layers::Dense(1)});
  other.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(scaling(other), nullptr);
}

TEST(MixedPrecision, AStepThatOverflowsIsLeftOut) {
  auto model = half_model();
  model.compile({.optimizer = optimizers::SGD(0.125), .loss = "mse"});
  model.train_on_batch(kX, kY);
  EXPECT_EQ(scaling(model)->dynamic_scale().value().item<double>(), 32768.0);
  const auto before = model.get_weights();
  const Tensor far = kY * 1000.0f;  // gradients of about 1000 * 32768 / 4
  model.train_on_batch(kX, far);
  EXPECT_EQ(scaling(model)->dynamic_scale().value().item<double>(), 16384.0);
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 1);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(model.get_weights()[i].to_vector<float>(), before[i].to_vector<float>());
  }
  model.train_on_batch(kX, kY);
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 2);
  EXPECT_NE(model.get_weights()[0].to_vector<float>(), before[0].to_vector<float>());
}

}  // namespace
}  // namespace keras
