// SPDX-License-Identifier: Apache-2.0
// keras.RematScope: which layers and operations it makes compute again, and that training stays the same.
#include "keras/ops/remat_scope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/models/model.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/activation.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/layers/recurrent.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/nn/optimizers/sgd.h"
#include "keras/nn/session.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/close.h"

namespace keras {
namespace {

Tensor wave(const Shape& shape, double phase) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(std::sin(phase + 0.7 * double(i)));
  return Tensor::from(values, shape);
}

using Make = std::function<std::shared_ptr<Model>()>;

std::shared_ptr<Model> perceptron() {
  return std::make_shared<Sequential>(Sequential({
      Input({6}),
      layers::Dense(8, {.activation = "gelu", .activity_regularizer = "l2", .name = "first"}),
      layers::BatchNormalization(),
      layers::Dropout(0.4),
      layers::Dense(8, {.activation = "sigmoid", .name = "second"}),
      layers::Dense(3, {.activation = "softmax", .name = "third"}),
  }));
}

std::shared_ptr<Model> with_operations() {
  const Tensor x = Input({6});
  Tensor y = layers::Dense(8, {.activation = "tanh", .name = "first"})(x);
  y = ops::gelu(y) * 2.0 + y;
  y = layers::Reshape({4, 2})(y);
  y = layers::LSTM(4, {.recurrent_dropout = 0.25, .name = "second"})(y);
  return std::make_shared<Model>(x, layers::Dense(3, {.activation = "softmax", .name = "third"})(y));
}

struct Trained {
  std::vector<double> losses;
  std::vector<Tensor> variables;
};

Trained train(const Make& make, const std::optional<RematOptions>& scope, bool eagerly) {
  utils::clear_session();
  utils::set_random_seed(5);
  std::shared_ptr<Model> model;
  if (scope) {
    const RematScope open(*scope);
    model = make();
  } else {
    model = make();
  }
  model->compile({.optimizer = optimizers::SGD(0.1),
                  .loss = "sparse_categorical_crossentropy",
                  .metrics = {"accuracy"},
                  .run_eagerly = eagerly});
  std::vector<int32_t> labels;
  for (int i = 0; i < 10; ++i) labels.push_back(i % 3);
  const auto history = model->fit(wave({10, 6}, 1), Tensor::from(labels),
                                  {.batch_size = 5, .epochs = 2, .verbose = 0, .shuffle = false});
  Trained out{(*history)["loss"], {}};
  for (const Variable& v : model->variables()) out.variables.push_back(v.value());
  return out;
}

const std::vector<RematOptions> kScopes = {
    {},
    {.mode = "activations"},
    {.mode = "larger_than", .output_size_threshold = 20},
    {.mode = "list_of_layers", .layer_names = {"first", "second"}},
    {.mode = std::nullopt},
};

TEST(RematScope, TrainingStaysTheSame) {
  for (const Make& make : {Make(perceptron), Make(with_operations)}) {
    const Trained plain = train(make, {}, true);
    for (const RematOptions& scope : kScopes) {
      for (const bool eagerly : {true, false}) {
        SCOPED_TRACE(scope.mode.value_or("none") + (eagerly ? ", eager" : ", traced"));
        const Trained again = train(make, scope, eagerly);
        ASSERT_EQ(again.losses.size(), plain.losses.size());
        for (size_t i = 0; i < plain.losses.size(); ++i) EXPECT_NEAR(again.losses[i], plain.losses[i], 1e-5);
        ASSERT_EQ(again.variables.size(), plain.variables.size());
        for (size_t i = 0; i < plain.variables.size(); ++i) {
          EXPECT_TRUE(close(again.variables[i], plain.variables[i], {1e-4, 1e-5})) << i;
        }
      }
    }
  }
}

// How often each barrier stands in the traced gradient: once for each part that is computed again.
size_t recomputed(const std::function<LayerHandle()>& make, const RematOptions& options, const Shape& shape) {
  LayerHandle layer;
  {
    const RematScope scope(options);
    layer = make();
  }
  const auto gradient = function([&](const Tensor& x) {
    GradientTape tape;
    tape.watch(x);
    return tape.gradient(ops::sum(ops::square((*layer)(x, {.training = true}))), x);
  });
  gradient(wave(shape, 0));
  const std::string text = gradient.to_string();
  size_t count = 0;
  for (size_t at = text.find("barrier("); at != std::string::npos; at = text.find("barrier(", at + 1))
    ++count;
  return count;
}

TEST(RematScope, ModesChooseAsInKeras) {
  const auto dense = [] { return layers::Dense(4, {.activation = "gelu", .name = "chosen"}); };
  const auto plain = [] { return layers::Dense(4, {.name = "plain"}); };
  const Shape shape{3, 5};
  EXPECT_EQ(recomputed(dense, {}, shape), 1u);
  EXPECT_EQ(recomputed(plain, {}, shape), 1u);
  EXPECT_EQ(recomputed(dense, {.mode = std::nullopt}, shape), 0u);
  EXPECT_EQ(recomputed(dense, {.mode = "activations"}, shape), 1u);
  EXPECT_EQ(recomputed([] { return layers::LayerNormalization(); }, {.mode = "activations"}, shape), 0u);
  // 12 elements: strictly more than the threshold.
  EXPECT_EQ(recomputed(dense, {.mode = "larger_than", .output_size_threshold = 11}, shape), 1u);
  EXPECT_EQ(recomputed(dense, {.mode = "larger_than", .output_size_threshold = 12}, shape), 0u);
  EXPECT_EQ(recomputed(dense, {.mode = "list_of_layers", .layer_names = {"other", "chosen"}}, shape), 1u);
  EXPECT_EQ(recomputed(plain, {.mode = "list_of_layers", .layer_names = {"other", "chosen"}}, shape), 0u);
}

TEST(RematScope, CountsWhereALayerIsMade) {
  layers::Dense outside(4);
  const RematScope scope("full");
  EXPECT_EQ(outside.core().remat_mode, nullptr);
  EXPECT_NE(layers::Dense(4).core().remat_mode, nullptr);
  {
    const RematScope none(std::nullopt);
    EXPECT_EQ(layers::Dense(4).core().remat_mode, nullptr);
  }
  EXPECT_EQ(layers::Dense(4).core().remat_mode->kind, internal::RematMode::Kind::full);
}

TEST(RematScope, IsPartOfWhatTellsTracesApart) {
  const auto f = function([](const Tensor& x) { return x * 2.0; });
  f(wave({2}, 0));
  {
    const RematScope scope("list_of_layers", {.layer_names = {"a"}});
    f(wave({2}, 0));
    f(wave({2}, 0));
  }
  const RematScope scope("list_of_layers", {.layer_names = {"b"}});
  f(wave({2}, 0));
  EXPECT_EQ(f.traces(), 3);
}

TEST(RematScope, RefusesUnknownModes) {
  try {
    const RematScope scope("fulll");
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("'larger_than'"), std::string::npos) << error.what();
  }
  EXPECT_EQ(layers::Dense(4).core().remat_mode, nullptr);
}

}  // namespace
}  // namespace keras
