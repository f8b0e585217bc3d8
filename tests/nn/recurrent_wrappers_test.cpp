// SPDX-License-Identifier: Apache-2.0
// Bidirectional and TimeDistributed beyond their goldens.
#include "keras/nn/layers/recurrent_wrappers.h"

#include <gtest/gtest.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/close.h"

namespace keras {
namespace {

using layers::Bidirectional;
using layers::GRU;
using layers::LSTM;
using layers::TimeDistributed;

Tensor values(const Shape& shape, int seed) { return random::normal(shape, 0, 1, DType::float32, seed); }

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no ValueError";
}

TEST(Bidirectional, MergesTheOutputsOfBothLayers) {
  const Tensor x = values({3, 4, 2}, 1);
  const auto merged = [&](std::optional<std::string> mode) {
    Bidirectional layer(GRU(3, {.return_sequences = true}), {.merge_mode = mode});
    const Nest y = layer(Nest(x));
    const Tensor front = layer.forward_layer()(x);
    const Tensor back = ops::flip(layer.backward_layer()(x), 1);
    return std::tuple{y, front, back};
  };
  {
    auto [y, front, back] = merged("concat");
    EXPECT_TRUE(close(y.tensor(), ops::concatenate({front, back}, -1)));
  }
  {
    auto [y, front, back] = merged("ave");
    EXPECT_TRUE(close(y.tensor(), (front + back) / 2));
  }
  {
    auto [y, front, back] = merged("mul");
    EXPECT_TRUE(close(y.tensor(), front * back));
  }
  {
    auto [y, front, back] = merged(std::nullopt);
    ASSERT_EQ(y.size(), 2u);
    EXPECT_TRUE(close(y[1].tensor(), back));
  }
}

TEST(Bidirectional, NamesAndBuildsBothLayers) {
  Bidirectional layer(LSTM(3, {.name = "deep"}), {.name = "both"});
  EXPECT_EQ(layer(keras_tensor({DType::float32, {Dim::unknown(), 4, 2}})).shape().to_string(), "(None, 6)");
  EXPECT_EQ(layer.forward_layer().name(), "forward_deep");
  EXPECT_EQ(layer.backward_layer().name(), "backward_deep");
  EXPECT_TRUE(layer.backward_layer().go_backwards());
  ASSERT_EQ(layer.weights().size(), 6u);
  EXPECT_EQ(layer.weights()[5].path(), "both/backward_deep/lstm_cell/bias");
  const auto saved = layer.saved_children();
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved[1].attribute, "backward_layer");
  const LayerHandle again = layer_from_envelope(layer_envelope(layer), "test");
  EXPECT_EQ(again->get_config()["backward_layer"]["config"]["name"].as_string(), "backward_deep");
}

TEST(Bidirectional, TakesWeightsAndStates) {
  const Tensor x = values({3, 4, 2}, 1);
  Bidirectional one(GRU(3, {.return_state = true}));
  const auto wanted = one(Nest(x)).flatten();
  ASSERT_EQ(wanted.size(), 3u);
  Bidirectional two(GRU(3, {.return_state = true}), {.weights = one.get_weights()});
  const auto same = two(Nest(x)).flatten();
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(close(same[i], wanted[i]));
  const Tensor a = values({3, 3}, 2), b = values({3, 3}, 3);
  CallArgs args;
  args.initial_state = {a, b};
  const auto given = one(Nest(x), args).flatten();
  EXPECT_FALSE(close(given[0], wanted[0]));
  EXPECT_TRUE(close(one(Nest{x, a, b}).flatten()[2], given[2], {0, 0}));
  EXPECT_TRUE(close(one(Nest{x, Nest{a, b}}).flatten()[1], given[1], {0, 0}));
}

TEST(Bidirectional, KeepsAndForgetsStates) {
  const Tensor x = values({3, 4, 2}, 1);
  Bidirectional layer(LSTM(3, {.stateful = true}));
  const Tensor first = layer(x);
  EXPECT_FALSE(close(layer(x), first));
  EXPECT_EQ(layer.states().size(), 4u);
  layer.reset_states();
  EXPECT_TRUE(close(layer(x), first));
  Bidirectional other((LSTM(3)));
  other(x);
  EXPECT_THROW(other.reset_state(), ValueError);
}

// A masked step gives zeros in both directions, so that merging mixes no steps.
TEST(Bidirectional, GivesZerosAtMaskedSteps) {
  Bidirectional layer(LSTM(3, {.return_sequences = true}), {.merge_mode = "sum"});
  const Tensor x = values({1, 3, 2}, 1);
  CallArgs args;
  args.mask = Tensor::from(std::vector<bool>{true, false, true}, {1, 3});
  const Tensor y = layer(x, args);
  EXPECT_TRUE(close(y[{0, 1}], ops::zeros({3}), {0, 0}));
  EXPECT_TRUE(y.mask().defined());
  Bidirectional last(LSTM(3));
  EXPECT_FALSE(last(x, args).mask().defined());
}

TEST(Bidirectional, SaysWhatIsWrong) {
  const std::string message = message_of([] { Bidirectional(LSTM(2), {.merge_mode = "conct"}); });
  EXPECT_NE(message.find("concat"), std::string::npos) << message;
  EXPECT_NE(message.find("did you mean"), std::string::npos) << message;
  EXPECT_THROW(Bidirectional(layers::Dense(2)), TypeError);
  EXPECT_THROW(Bidirectional(LSTM(2), {.backward_layer = LSTM(2)}), ValueError);
  EXPECT_THROW(
      Bidirectional(LSTM(2), {.backward_layer = LSTM(2, {.return_state = true, .go_backwards = true})}),
      ValueError);
  Bidirectional layer(LSTM(2));
  CallArgs args;
  args.initial_state = Nest(std::vector<Nest>{values({3, 2}, 1)});
  EXPECT_THROW(layer(values({3, 4, 2}, 1), args), ValueError);
}

TEST(TimeDistributed, SeesEveryStepByItself) {
  const Tensor x = values({3, 4, 5}, 1);
  TimeDistributed layer(layers::Dense(2, {.activation = "tanh"}));
  const Tensor y = layer(x);
  EXPECT_TRUE(close(y, (*layer.layer)(x)));
  TimeDistributed flat(layers::Flatten{});
  EXPECT_TRUE(close(flat(ops::reshape(x, {3, 2, 2, 5})), ops::reshape(x, {3, 2, 10}), {0, 0}));
  EXPECT_EQ(flat.compute_output_shape({Dim::unknown(), Dim::unknown(), 2, 5}).to_string(),
            "(None, None, 10)");
  // Statistics of batches are those of steps.
  TimeDistributed norm(layers::BatchNormalization({.epsilon = 0}));
  CallArgs args;
  args.training = true;
  const Tensor normal = norm(x * 3 + Tensor::from(std::vector<float>{1, 2, 3, 4}, {1, 4, 1}), args);
  EXPECT_TRUE(close(ops::mean(normal, 0), ops::zeros({4, 5}), {0, 1e-5}));
  // And dropout draws for each.
  TimeDistributed drop(layers::Dropout(0.5));
  const Tensor dropped = drop(ops::ones({10, 2, 10}), args);
  EXPECT_FALSE(close(dropped[{all, 0}], dropped[{all, 1}]));
}

TEST(TimeDistributed, KnowsShapesWithoutData) {
  const Tensor open = keras_tensor({DType::float32, {Dim::unknown(), Dim::unknown(), 5}});
  EXPECT_EQ(TimeDistributed(layers::Dense(2))(open).shape().to_string(), "(None, None, 2)");
  EXPECT_EQ(TimeDistributed(LSTM(2)).compute_output_shape({3, 4, 5, 6}), (Shape{3, 4, 2}));
  TimeDistributed layer(layers::Dense(2, {.name = "inner"}), {.name = "outer"});
  layer.compute_output_shape({3, 4, 5});
  EXPECT_EQ(layer.weights()[0].path(), "outer/inner/kernel");
}

TEST(TimeDistributed, CutsMasksIntoSteps) {
  // The inner layer's mask is a step's: (batch, inner steps).
  TimeDistributed layer(LSTM(2));
  const Tensor x = values({3, 2, 4, 5}, 1);
  const Tensor mask = random::uniform({3, 2, 4}, 0, 1, DType::float32, 4) > 0.5;
  CallArgs args;
  args.mask = mask;
  const Tensor y = layer(x, args);
  for (int64_t t = 0; t < 2; ++t) {
    CallArgs own;
    own.mask = mask[{all, t}];
    EXPECT_TRUE(close(y[{all, t}], (*layer.layer)(x[{all, t}], own)));
  }
  args.mask = ops::ones({3, 3});
  EXPECT_THROW(layer(x, args), ValueError);
  args.mask = ops::ones({3});
  EXPECT_THROW(layer(x, args), ValueError);
  EXPECT_THROW(TimeDistributed(layers::Dense(2))(values({3, 4}, 1)), ValueError);
  EXPECT_THROW(TimeDistributed(LayerHandle{}), ValueError);
}

// A layer around another, as a user writes it.
class Twice : public layers::Wrapper {
 public:
  KERAS_LAYER(Twice, layer)
  explicit Twice(LayerHandle inner) : Wrapper(std::move(inner)) {}
  Tensor call(const Tensor& x, const CallArgs&) override { return (*layer)((*layer)(x)); }
};

TEST(Wrapper, BuildsTheInnerLayer) {
  Twice twice(layers::Dense(3));
  const Tensor x = values({2, 3}, 1);
  const Tensor y = twice(x);
  EXPECT_TRUE(close(y, (*twice.layer)((*twice.layer)(x))));
  EXPECT_EQ(twice.weights().size(), 2u);
  EXPECT_EQ(twice.get_config()["layer"]["class_name"].as_string(), "Dense");
}

}  // namespace
}  // namespace keras
