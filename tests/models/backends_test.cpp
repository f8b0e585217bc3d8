// SPDX-License-Identifier: Apache-2.0
// The same training on every backend that is built: the library above them must not notice which one it has.
#include <gtest/gtest.h>

#include <cmath>

#include "chosen_backend.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/layers/pooling.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/nn/optimizers/adam.h"
#include "keras/random.h"

namespace keras {
namespace {

Tensor pattern(const Shape& shape, double scale) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(0.3 + 1.7 * static_cast<double>(i)));
  return Tensor::from(values, shape);
}

struct Training {
  std::vector<double> losses;
  std::vector<float> prediction;
};

// Convolution, batch normalization, pooling, dropout and dense layers for a few steps of Adam.
Training train(std::string_view backend) {
  const tests::ChosenBackend chosen(backend);
  utils::set_random_seed(11);
  const Tensor x = pattern({24, 8, 8, 2}, 1);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 24; ++i) labels.push_back(i * i % 3);
  const Tensor y = Tensor::from(labels);
  Sequential model({Input({8, 8, 2}), layers::Conv2D(6, {3, 3}, {.activation = "relu"}),
                    layers::BatchNormalization(), layers::MaxPooling2D({2, 2}), layers::Flatten(),
                    layers::Dropout(0.25), layers::Dense(16, {.activation = "relu"}),
                    layers::Dense(3, {.activation = "softmax"})});
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "sparse_categorical_crossentropy"});
  const auto history = model.fit(x, y, {.batch_size = 8, .epochs = 4, .verbose = 0});
  return {(*history)["loss"], model.predict(x, {.verbose = 0}).tensor().to_vector<float>()};
}

TEST(Backends, TrainAlike) {
  if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
  const Training native = train("native");
  const Training torch = train("torch");
  ASSERT_EQ(native.losses.size(), 4u);
  EXPECT_LT(native.losses.back(), native.losses.front());
  // Rounding grows with the steps.
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(torch.losses[i], native.losses[i], 2e-4) << "epoch " << i;
  for (size_t i = 0; i < native.prediction.size(); ++i) {
    EXPECT_NEAR(torch.prediction[i], native.prediction[i], 1e-3) << "element " << i;
  }
}

}  // namespace
}  // namespace keras
