// SPDX-License-Identifier: Apache-2.0
#include "exchange/models.h"

#include "keras/keras.h"

namespace keras::exchange {

namespace {

std::shared_ptr<Model> mlp() {
  return compiled(Sequential({Input({6}), layers::Dense(8, {.use_bias = false, .kernel_regularizer = "l2"}),
                              layers::BatchNormalization(), layers::LeakyReLU(0.1),
                              layers::Dense(5, {.use_bias = false, .kernel_constraint = "unit_norm"}),
                              layers::LayerNormalization(), layers::PReLU(),
                              layers::Dense(3, {.activation = "softmax"})}),
                  {.optimizer = optimizers::Adam({.learning_rate = 0.01, .amsgrad = true}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
}

std::shared_ptr<Model> cnn() {
  const auto decay = optimizers::schedules::ExponentialDecay(
      {.initial_learning_rate = 0.05, .decay_steps = 3, .decay_rate = 0.5});
  return compiled(
      Sequential(
          {Input({8, 8, 1}), layers::Rescaling(0.5, 0.1), layers::Conv2D(4, {3, 3}, {.padding = "same"}),
           layers::BatchNormalization({.momentum = 0.9}), layers::Activation("relu"),
           layers::MaxPooling2D({2, 2}), layers::Conv2D(5, {2, 2}, {.strides = {2, 2}, .activation = "gelu"}),
           layers::Flatten(), layers::Dropout(0.0), layers::Dense(3, {.activation = "softmax"})}),
      {.optimizer = optimizers::SGD({.learning_rate = decay, .momentum = 0.9, .nesterov = true}),
       .loss = "categorical_crossentropy",
       .metrics = {"accuracy"}});
}

std::shared_ptr<Model> recurrent() {
  return compiled(
      Sequential({Input({7}, {.dtype = "int32"}), layers::Embedding(9, 4, {.mask_zero = true}),
                  layers::Bidirectional(layers::LSTM(3, {.return_sequences = true})),
                  layers::GRU(3, {.return_sequences = true}), layers::SimpleRNN(2),
                  layers::Dense(1, {.activation = "sigmoid"})}),
      {.optimizer = optimizers::RMSprop({.learning_rate = 0.02, .momentum = 0.5, .centered = true}),
       .loss = "binary_crossentropy"});
}

std::shared_ptr<Model> float64() {
  return compiled(
      Sequential({Input({4}, {.dtype = "float64"}),
                  layers::Dense(5, {.activation = "tanh", .dtype = "float64"}),
                  layers::Dense(1, {.dtype = "float64"})}),
      {.optimizer = optimizers::AdamW({.learning_rate = 0.01, .weight_decay = 0.02, .use_ema = true}),
       .loss = losses::LogCosh(),
       .metrics = {"mae"}});
}

}  // namespace

std::vector<Case> cases() {
  std::vector<Case> out = {{"mlp", mlp}, {"cnn", cnn}, {"recurrent", recurrent}, {"float64", float64}};
  for (auto& c : graph_cases()) out.push_back(std::move(c));
  return out;
}

}  // namespace keras::exchange
