// SPDX-License-Identifier: Apache-2.0
// Functional models: graphs with several inputs and outputs, shared and nested layers, operations, masks.
#include <gtest/gtest.h>

#include "keras/keras.h"
#include "nn/close.h"

namespace keras {
namespace {

Tensor values(const Shape& shape, double scale = 0.1) {
  std::vector<float> v(static_cast<size_t>(element_count(shape).value()));
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(scale * static_cast<double>(i % 17) - 0.6);
  return Tensor::from(v, shape);
}

std::vector<std::string> names(const std::vector<LayerHandle>& layers) {
  std::vector<std::string> out;
  for (const auto& layer : layers) out.push_back(layer->name());
  return out;
}

TEST(Functional, JoinsTwoInputs) {
  auto a = Input({16}, {.name = "a"}), b = Input({8}, {.name = "b"});
  layers::Dense wide(32, {.activation = "relu", .name = "wide"}), last(1, {.name = "last"});
  auto x = layers::concatenate({wide(a), b});
  Model model({a, b}, {last(x)});
  EXPECT_EQ(model.outputs()[0].shape().back(), Dim(1));
  const Tensor va = values({4, 16}), vb = values({4, 8}, 0.2);
  const Tensor direct = last(layers::concatenate({wide(va), vb}));
  EXPECT_TRUE(close(model({va, vb}), direct));
  EXPECT_TRUE(close(model(Nest::dict({{"b", vb}, {"a", va}})), direct));
  EXPECT_EQ(model.weights().size(), 4u);
  EXPECT_EQ(names(model.layers()), (std::vector<std::string>{"a", "wide", "b", "concatenate", "last"}));
  EXPECT_EQ(model.output_names(), std::vector<std::string>{"last"});
}

TEST(Functional, OperatorsSlicesAndFunctionsAreNodes) {
  auto in = Input({6, 4});
  auto x = ops::relu((in * 2.0 + 1.0)[{Slice(), Slice(1, std::nullopt)}]);
  auto y = ops::mean(x, -1, true) - ops::sum(x, {1, 2}, true) / 3.0;
  Model model(in, {x, y});
  const Tensor v = values({3, 6, 4});
  const Tensor ex = ops::relu((v * 2.0 + 1.0)[{Slice(), Slice(1, std::nullopt)}]);
  const Tensor ey = ops::mean(ex, -1, true) - ops::sum(ex, {1, 2}, true) / 3.0;
  const Nest out = model(Nest(v));
  EXPECT_TRUE(close(out[0], ex));
  EXPECT_TRUE(close(out[1], ey));
  // And again from its config.
  const auto again = std::dynamic_pointer_cast<Model>(deserialize_layer(serialize_layer(model)).shared());
  const Nest second = (*again)(Nest(v));
  EXPECT_TRUE(close(second[0], ex));
  EXPECT_TRUE(close(second[1], ey));
  EXPECT_EQ(serialize_layer(*again), serialize_layer(model));
}

TEST(Functional, SharedLayersShareWeightsAndGradients) {
  auto left = Input({5}), right = Input({5});
  layers::Dense shared(3, {.name = "shared"});
  Model model({left, right}, layers::add({shared(left), shared(right)}));
  EXPECT_EQ(model.weights().size(), 2u);
  const Tensor a = values({2, 5}), b = values({2, 5}, 0.3);
  GradientTape tape;
  const Tensor loss = ops::sum(model({a, b}).tensor());
  const auto gradient = tape.gradient(loss, model.trainable_variables());
  EXPECT_TRUE(close(gradient[0], ops::matmul(ops::transpose(a + b), ops::ones({2, 3}))));
}

TEST(Functional, NestedModelsAreLayers) {
  auto inner_in = Input({4});
  Model inner(inner_in, layers::Dense(3, {.activation = "tanh"})(inner_in), {.name = "inner"});
  Sequential head({layers::Dense(2)}, {.name = "head"});
  auto in = Input({4});
  Model outer(in, head(inner(in)), {.name = "outer"});
  const Tensor v = values({2, 4});
  EXPECT_TRUE(close(outer(v), head(inner(v))));
  EXPECT_EQ(outer.weights().size(), 4u);
  const auto again = std::dynamic_pointer_cast<Model>(deserialize_layer(serialize_layer(outer)).shared());
  again->set_weights(outer.get_weights());
  EXPECT_TRUE(close((*again)(v), outer(v)));
}

TEST(Functional, FeaturesFromTheMiddleOfAnotherModel) {
  Sequential base(
      {Input({4}), layers::Dense(8, {.activation = "relu", .name = "features"}), layers::Dense(2)});
  const Tensor v = values({3, 4});
  Model features(base.input(), base.get_layer("features")->output());
  EXPECT_TRUE(close(features(v), (*base.get_layer("features"))(v)));
  // Behind the features: an intermediate tensor is the input.
  Model tail(base.get_layer("features")->output(), base.output());
  EXPECT_TRUE(close(tail(features(v)), base(v)));
  EXPECT_EQ(tail.weights()[0].same(base.weights()[2]), true);
  // A new head on a frozen base.
  base.set_trainable(false);
  Model transfer(base.input(), layers::Dense(1)(features.output().tensor()));
  EXPECT_EQ(transfer.trainable_variables().size(), 2u);
}

TEST(Functional, FitsAndNamesItsOutputs) {
  utils::set_random_seed(3);
  auto in = Input({2});
  auto hidden = layers::Dense(8, {.activation = "tanh"})(in);
  Model model(in, {layers::Dense(1, {.name = "value"})(hidden),
                   layers::Dense(2, {.activation = "softmax", .name = "kind"})(hidden)});
  model.compile({.optimizer = optimizers::Adam(0.05),
                 .loss = named<LossArg>({{"value", "mse"}, {"kind", "sparse_categorical_crossentropy"}}),
                 .metrics = named<MetricsArg>({{"kind", "accuracy"}})});
  const Tensor x = values({64, 2}, 0.07);
  const Tensor y = ops::sum(x, 1, true);
  const Tensor k = ops::cast(ops::greater(y, 0.0), "int32");
  const auto history = model.fit(x, {y, k}, {.epochs = 20, .verbose = 0});
  EXPECT_LT((*history)["value_loss"].back(), (*history)["value_loss"].front());
  EXPECT_EQ((*history)["kind_accuracy"].size(), 20u);
}

TEST(Functional, MasksTravelThroughTheGraph) {
  auto tokens = Input({5}, {.dtype = "int32"});
  auto embedded = layers::Embedding(6, 3, {.mask_zero = true})(tokens);
  EXPECT_TRUE(embedded.mask().defined());
  auto out = layers::Dense(2)(embedded);
  EXPECT_TRUE(out.mask().defined());
  Model model(tokens, out);
  const Tensor t = Tensor::from(std::vector<int32_t>{1, 2, 0, 0, 3}, {1, 5});
  EXPECT_EQ(model(t).mask().to_vector<bool>(), (std::vector<bool>{true, true, false, false, true}));
}

TEST(Functional, ClonesWithNewWeights) {
  utils::set_random_seed(1);
  auto in = Input({4});
  layers::Dense shared(4);
  Model model(in, shared(shared(in)) + 1.0);
  const auto copy = clone_model(model);
  EXPECT_EQ(copy->weights().size(), 2u);
  EXPECT_FALSE(copy->weights()[0].same(model.weights()[0]));
  copy->set_weights(model.get_weights());
  const Tensor v = values({2, 4});
  EXPECT_TRUE(close((*copy)(v), model(v)));
  Sequential stack({Input({4}), layers::Dense(2)});
  const auto other = clone_model(
      stack, {.clone_function = [](const LayerHandle&) { return LayerHandle(layers::Dense(3)); }});
  EXPECT_EQ(other->outputs()[0].shape().back(), Dim(3));
}

TEST(Functional, CopiesOfAModelSeeItsChanges) {
  Sequential model({Input({4}), layers::Dense(3)});
  const Sequential copy = model;  // NOLINT: what is tested is the copy
  const LayerHandle handle(model);
  model.add(layers::Dense(2));
  const Tensor v = values({2, 4});
  EXPECT_TRUE(close(Sequential(copy)(v), model(v)));
  EXPECT_TRUE(close((*handle)(v), model(v)));
  EXPECT_EQ(copy.weights().size(), 4u);
}

TEST(Functional, OptionalInputsMayBeLeftOut) {
  auto a = Input({2}, {.name = "a"}), b = Input({2}, {.name = "b", .optional = true});
  struct Choose : Layer {
    KERAS_LAYER(Choose)
    Nest call_nest(const Nest& x, const CallArgs&) override {
      return x[1].is_none() ? x[0] : Nest(x[0].tensor() + x[1].tensor());
    }
  };
  Model model({a, b}, Choose()({a, b}));
  const Tensor v = values({3, 2});
  EXPECT_TRUE(close(model({v, Nest()}), v));
  EXPECT_TRUE(close(model({v, v}), v + v));
  EXPECT_THROW(model({Nest(), v}), ValueError);
}

TEST(Functional, RefusesWhatIsNoGraph) {
  auto a = Input({3}), b = Input({3});
  auto x = layers::add({a, b});
  EXPECT_THROW(Model(a, x), ValueError);               // b is missing
  EXPECT_THROW(Model(a, values({2, 3})), ValueError);  // an output with values
  EXPECT_THROW(Model(Nest(std::vector<Nest>{}), x), ValueError);
  layers::Dense one(1, {.name = "same"}), two(1, {.name = "same"});
  EXPECT_THROW(Model(a, {one(a), two(a)}), ValueError);  // one name twice
  Model model({a, b}, x);
  EXPECT_THROW(model(values({2, 3})), ValueError);  // one input of two
  EXPECT_THROW(model({values({2, 3}), values({2, 4})}), ValueError);
  EXPECT_THROW(model(Nest::dict({{"p", values({2, 3})}, {"q", values({2, 3})}})), ValueError);
  layers::Dense unused(1);
  EXPECT_THROW(unused.output(), ValueError);
  EXPECT_THROW(static_cast<void>(x.item<float>()), Error);  // a KerasTensor has no elements
}

}  // namespace
}  // namespace keras
