// SPDX-License-Identifier: Apache-2.0
// Trains a small convolutional network on 60,000 images of clothes, evaluates it, saves it as a .keras file
// that Python Keras opens, and draws the learning curves.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

int main() try {
  auto [train, test] = datasets::fashion_mnist::load_data();

  Sequential model({
      Input({28, 28, 1}),
      layers::Rescaling(1.0 / 255),
      layers::Conv2D(32, {3, 3}, {.activation = "relu"}),
      layers::MaxPooling2D({2, 2}),
      layers::Conv2D(64, {3, 3}, {.activation = "relu"}),
      layers::MaxPooling2D({2, 2}),
      layers::Flatten(),
      layers::Dropout(0.5),
      layers::Dense(10, {.activation = "softmax"}),
  });
  model.summary();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  auto history = model.fit(train.x, train.y, {.batch_size = 128, .epochs = 12, .validation_split = 0.1});
  const auto result = model.evaluate(test.x, test.y);
  model.save("fashion.keras");
  history->save_chart("fashion_history.svg");
  std::printf(
      "Test loss %.4f, test accuracy %.4f\nSaved the model as fashion.keras and the curves as "
      "fashion_history.svg\n",
      result["loss"], result["accuracy"]);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
