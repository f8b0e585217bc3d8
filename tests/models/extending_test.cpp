// SPDX-License-Identifier: Apache-2.0
// What users may write themselves: layers, losses, metrics, optimizers, callbacks and C++ functions in their
// places; steps that a model overrides; freezing.
#include <gtest/gtest.h>

#include "keras/keras.h"
#include "nn/close.h"

namespace keras {
namespace {

Tensor inputs() {
  std::vector<float> v;
  for (int i = 0; i < 24; ++i) v.push_back(0.25f * static_cast<float>((i * 7) % 11) - 1.0f);
  return Tensor::from(v, {8, 3});
}
Tensor targets() { return ops::sum(inputs(), -1, true) * 0.5; }

class Scale : public Layer {
  Variable factor;

 public:
  KERAS_LAYER(Scale, factor)
  void build(const Shape& shape) override {
    add_weight(factor, "factor", {shape.back()},
               {.initializer = [](const Shape& s, DType d) { return ops::full(s, 2.0, d); },
                .regularizer = [](const Tensor& w) { return 0.5 * ops::sum(ops::square(w)); }});
  }
  Tensor call(const Tensor& x, const CallArgs&) override { return x * factor.value(); }
  Shape compute_output_shape(const Shape& shape) const override { return shape; }
  Nest compute_mask(const Nest& x, const Nest&) override {
    return ops::greater(ops::sum(x.tensor(), -1), 0.0);
  }
  Scale() { set_supports_masking(); }
};

class AbsoluteLoss : public Loss {
 public:
  std::string class_name() const override { return "AbsoluteLoss"; }
  Tensor call(const Tensor& y, const Tensor& p) const override { return ops::mean(ops::abs(y - p), -1); }
};

class Largest : public Metric {
  Variable most_ = add_variable({}, "most");

 public:
  Largest() : Metric({.name = "largest"}) {}
  std::string class_name() const override { return "Largest"; }
  std::shared_ptr<Metric> clone() const override { return std::make_shared<Largest>(); }
  void update_state(const Tensor&, const Tensor& p, const Tensor&) override {
    most_.assign(ops::maximum(most_.value(), ops::max(ops::abs(p))));
  }
  Nest result() const override { return most_.value(); }
};

class SignDescent : public Optimizer {
 public:
  explicit SignDescent(double rate) : Optimizer({.learning_rate = rate, .name = "sign_descent"}) {}
  std::string class_name() const override { return "SignDescent"; }

 protected:
  void build_slots(const std::vector<Variable>&) override {}
  void update_step(const Tensor& gradient, const Variable& variable, size_t, const Tensor& rate) override {
    variable.assign(variable.value() - ops::sign(gradient) * rate);
  }
};

TEST(Extending, LayersOfUsersTakePartInEverything) {
  auto in = Input({3});
  Scale scale;
  auto out = scale(in);
  EXPECT_TRUE(out.mask().defined());
  EXPECT_EQ(scale.compute_output_shape({5, 3}), (Shape{5, 3}));
  Model model(in, layers::Dense(1)(out));
  EXPECT_EQ(model.losses().size(), 1u);
  EXPECT_NEAR(model.losses()[0].item<float>(), 6.0f, 1e-6f);
  EXPECT_TRUE(close(scale(inputs()), inputs() * 2.0));
  EXPECT_EQ(scale.weights()[0].path(), "scale/factor");
}

TEST(Extending, LossesMetricsAndOptimizersOfUsersTrain) {
  utils::set_random_seed(5);
  Sequential model({Input({3}), layers::Dense(1)});
  model.compile({.optimizer = SignDescent(0.01), .loss = AbsoluteLoss(), .metrics = {Largest()}});
  const auto before = model.get_weights();
  const auto history = model.fit(inputs(), targets(), {.batch_size = 8, .epochs = 3, .verbose = 0});
  const auto after = model.get_weights();
  // Three steps of a hundredth each, up or down.
  for (const float change : ops::abs(after[0] - before[0]).to_vector<float>()) {
    EXPECT_TRUE(std::abs(change - 0.03f) < 1e-6f || std::abs(change - 0.01f) < 1e-6f) << change;
  }
  EXPECT_LT((*history)["loss"].back(), (*history)["loss"].front());
  EXPECT_GT((*history)["largest"].back(), 0.0);
}

TEST(Extending, FunctionsStandWherePythonTakesCallables) {
  utils::set_random_seed(5);
  const auto twice = [](const Tensor& x) { return 2.0 * x; };
  const auto ones = [](const Shape& s, DType d) { return ops::ones(s, d); };
  layers::Dense dense(2, {.activation = twice,
                          .use_bias = false,
                          .kernel_initializer = ones,
                          .kernel_regularizer = [](const Tensor& w) { return ops::sum(w); },
                          .kernel_constraint = [](const Tensor& w) { return ops::minimum(w, 1.0); }});
  EXPECT_TRUE(close(dense(inputs()), 2.0 * ops::sum(inputs(), -1, true) * ops::ones({1, 2})));
  EXPECT_NEAR(dense.losses()[0].item<float>(), 6.0f, 1e-6f);

  Sequential model({Input({3}), dense});
  double rate = 0.5;
  model.compile(
      {.optimizer = optimizers::SGD(LearningRate([&rate] { return rate *= 0.5; })),
       .loss = [](const Tensor& y, const Tensor& p) { return ops::mean(ops::square(y - p), -1); },
       .metrics = {[](const Tensor& y, const Tensor& p) { return ops::mean(ops::abs(y - p), -1); }}});
  const auto history = model.fit(inputs(), targets(), {.epochs = 2, .verbose = 0});
  EXPECT_LT(rate, 0.5);
  for (const float w : model.get_weights()[0].to_vector<float>()) EXPECT_LE(w, 1.0f);
}

class Steps : public Model {
  layers::Dense out{1};

 public:
  int trained = 0, tested = 0, predicted = 0;
  KERAS_MODEL(Steps, out)
  Tensor call(const Tensor& x, const CallArgs&) override { return out(x); }
  Tensor compute_loss(const Nest& x, const Nest& y, const Nest& p, const Nest& w, bool training) override {
    return 3.0 * Model::compute_loss(x, y, p, w, training);
  }
  Logs compute_metrics(const Nest& x, const Nest& y, const Nest& p, const Nest& w) override {
    Logs logs = Model::compute_metrics(x, y, p, w);
    logs.set("answer", 42.0);
    return logs;
  }
  Logs train_step(const DataTriple& data) override { return ++trained, Model::train_step(data); }
  Logs test_step(const DataTriple& data) override { return ++tested, Model::test_step(data); }
  Nest predict_step(const DataTriple& data) override { return ++predicted, Model::predict_step(data); }
};

// Eagerly a step runs for each batch; otherwise it is traced once, and its program runs.
TEST(Extending, EveryStepCanBeOverridden) {
  for (const bool eagerly : {true, false}) {
    Steps model;
    model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse", .run_eagerly = eagerly});
    const auto history = model.fit(inputs(), targets(), {.batch_size = 4, .verbose = 0});
    EXPECT_EQ(model.trained, eagerly ? 2 : 1);
    EXPECT_EQ((*history)["answer"].back(), 42.0);
    const auto logs = model.evaluate(inputs(), targets(), {.batch_size = 8, .verbose = 0});
    EXPECT_EQ(model.tested, 1);
    const Tensor p = model.predict(inputs(), {.batch_size = 2, .verbose = 0});
    EXPECT_EQ(model.predicted, eagerly ? 4 : 1);
    EXPECT_NEAR(logs["loss"], 3.0 * ops::mean(ops::square(p - targets())).item<float>(), 1e-5);
  }
}

TEST(Extending, FreezingTakesEffectAtCompile) {
  utils::set_random_seed(2);
  layers::Dense first(4), second(1);
  Sequential model({Input({3}), first, second});
  const CompileOptions options{.optimizer = "sgd", .loss = "mse"};
  model.compile(options);
  const FitOptions once{.verbose = 0};
  model.fit(inputs(), targets(), once);
  const auto before = first.get_weights();
  first.set_trainable(false);
  model.fit(inputs(), targets(), once);  // still as compiled
  EXPECT_FALSE(close(first.get_weights()[0], before[0]));
  model.compile(options);
  const auto frozen = first.get_weights();
  const auto head = second.get_weights();
  model.fit(inputs(), targets(), once);
  EXPECT_TRUE(close(first.get_weights()[0], frozen[0]));
  EXPECT_FALSE(close(second.get_weights()[0], head[0]));
}

TEST(Extending, AFrozenBatchNormalizationInfers) {
  layers::BatchNormalization norm;
  norm.set_trainable(false);
  const Tensor y = norm(inputs(), {.training = true});
  EXPECT_TRUE(close(y, inputs() / std::sqrt(1.001f), {1e-5, 1e-6}));
  EXPECT_TRUE(close(norm.moving_mean.value(), ops::zeros({3})));
}

}  // namespace
}  // namespace keras
