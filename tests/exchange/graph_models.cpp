// SPDX-License-Identifier: Apache-2.0
#include "exchange/models.h"
#include "keras/keras.h"

namespace keras::exchange {

namespace {

// Two inputs, a shared layer, a function of keras.ops as a node, two outputs.
std::shared_ptr<Model> branches() {
  const Tensor left = Input({4}, {.name = "left"}), right = Input({4}, {.name = "right"});
  layers::Dense shared(3, {.activation = "tanh", .name = "shared"});
  const Tensor joined = layers::Concatenate()({shared(left), shared(right)});
  const Tensor mean = ops::mean(joined * 2.0, -1, true);
  const Tensor kind = layers::Dense(3, {.activation = "softmax", .name = "kind"})(joined);
  const Tensor size = layers::Dense(1, {.name = "size"})(layers::Concatenate()({joined, mean}));
  return compiled(Model({left, right}, {kind, size}, {.name = "branches"}),
                  {.optimizer = optimizers::Adam(0.01),
                   .loss = {"sparse_categorical_crossentropy", "mse"},
                   .loss_weights = {1.0, 0.5}});
}

std::shared_ptr<Model> transformer() {
  const Tensor tokens = Input({6}, {.dtype = "int32", .name = "tokens"});
  Tensor x = layers::Embedding(7, 4, {.name = "embed"})(tokens);
  const Tensor attended =
      layers::MultiHeadAttention(2, 3, {.name = "attention"})(x, x, {.use_causal_mask = true});
  x = layers::LayerNormalization({.name = "norm1"})(Tensor(layers::Add({.name = "add1"})({x, attended})));
  const Tensor grouped = layers::GroupQueryAttention(2, 4, 2, {.name = "grouped"})(x, x);
  const Tensor plain = layers::Attention({.use_scale = true, .name = "plain"})({grouped, x});
  const Tensor additive = layers::AdditiveAttention({.name = "additive"})({plain, x});
  x = layers::LayerNormalization({.name = "norm2"})(Tensor(
      layers::Add({.name = "add2"})({x, layers::Dense(4, {.activation = "gelu", .name = "up"})(additive)})));
  return compiled(Model(tokens, layers::Dense(7, {.name = "logits"})(x), {.name = "transformer"}),
                  {.optimizer = optimizers::AdamW({.learning_rate = 0.01, .weight_decay = 0.01}),
                   .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
}

// Padding travels as a mask through attention, addition and a recurrent layer.
std::shared_ptr<Model> masked() {
  const Tensor tokens = Input({6}, {.dtype = "int32", .name = "tokens"});
  const Tensor x = layers::Embedding(7, 4, {.mask_zero = true, .name = "embed"})(tokens);
  const Tensor h = layers::MultiHeadAttention(2, 2, {.name = "attention"})(x, x);
  const Tensor sum = layers::Add({.name = "add"})({x, h});
  const Tensor y = layers::Dense(1, {.name = "out"})(layers::LSTM(3, {.name = "lstm"})(sum));
  return compiled(Model(tokens, y, {.name = "masked"}), {.optimizer = "sgd", .loss = "mse"});
}

// A class of its own, whose file goes by the names of its attributes. The pool is called twice.
class LeNet : public Model {
  layers::Conv2D conv1{3, {3, 3}, {.activation = "relu"}};
  layers::AveragePooling2D pool{{2, 2}};
  layers::Conv2D conv2{4, {3, 3}, {.activation = "relu"}};
  layers::Flatten flatten;
  layers::Dense fc{5, {.activation = "relu"}}, out{3, {.activation = "softmax"}};

 public:
  KERAS_MODEL(LeNet, conv1, pool, conv2, flatten, fc, out)
  Tensor call(const Tensor& x, const CallArgs&) override {
    return out(fc(flatten(pool(conv2(pool(conv1(x)))))));
  }
};
KERAS_REGISTER(LeNet);

std::shared_ptr<Model> subclassed() {
  auto model = compiled(LeNet(), {.optimizer = optimizers::Adam(0.01),
                                  .loss = "sparse_categorical_crossentropy",
                                  .metrics = {"accuracy"}});
  model->ensure_built({Shape{Dim::unknown(), 12, 12, 1}});
  return model;
}

}  // namespace

std::vector<Case> graph_cases() {
  return {
      {"branches", branches}, {"transformer", transformer}, {"masked", masked}, {"subclassed", subclassed}};
}

}  // namespace keras::exchange
