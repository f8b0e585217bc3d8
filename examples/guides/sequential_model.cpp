// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/sequential_model.md.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

int main() try {
  utils::set_random_seed(812);

  // A plain stack of layers.
  Sequential model({
      layers::Dense(2, {.activation = "relu", .name = "layer1"}),
      layers::Dense(3, {.activation = "relu", .name = "layer2"}),
      layers::Dense(4, {.name = "layer3"}),
  });
  auto y = model(ops::ones({3, 3}));
  std::printf("%zu weights, output %s\n", model.weights().size(), y.shape().to_string().c_str());

  // Layers come and go.
  Sequential stack({}, {.name = "my_sequential"});
  stack.add(Input({3}));
  stack.add(layers::Dense(2, {.activation = "relu"}));
  stack.add(layers::Dense(3, {.activation = "relu"}));
  stack.add(layers::Dense(4));
  stack.pop();
  std::printf("%zu layers\n", stack.layers().size());

  // With an Input in front, the model is built at once, and summary() shows every shape.
  Sequential convnet({
      Input({64, 64, 3}),
      layers::Conv2D(32, {5, 5}, {.strides = 2, .activation = "relu"}),
      layers::Conv2D(32, {3, 3}, {.activation = "relu"}),
      layers::MaxPooling2D({3, 3}),
      layers::Conv2D(32, {3, 3}, {.activation = "relu", .name = "features"}),
      layers::GlobalMaxPooling2D(),
      layers::Dense(10),
  });
  convnet.summary();

  // Train, evaluate, predict.
  Sequential classifier({
      Input({2}),
      layers::Dense(32, {.activation = "relu"}),
      layers::Dense(2, {.activation = "softmax"}),
  });
  classifier.compile({
      .optimizer = optimizers::Adam(0.02),
      .loss = "sparse_categorical_crossentropy",
      .metrics = {"accuracy"},
  });
  const Tensor points = random::uniform({512, 2}, -1.0, 1.0);
  const Tensor inside = ops::cast(ops::sum(ops::square(points), -1) < 0.6, "int32");
  classifier.fit(points, inside, {.batch_size = 32, .epochs = 15, .verbose = 2, .validation_split = 0.2});
  const auto logs = classifier.evaluate(points, inside, {.verbose = 0});
  const Tensor probabilities = classifier.predict(points, {.verbose = 0});
  std::printf("accuracy %.2f, predictions %s\n", logs["accuracy"], probabilities.shape().to_string().c_str());

  // Save, and load.
  classifier.save("classifier.keras");
  auto loaded = load_model("classifier.keras");
  std::printf("loaded: accuracy %.2f\n", loaded->evaluate(points, inside, {.verbose = 0})["accuracy"]);

  // The outputs of any layer make a new model that shares the weights.
  Model features(convnet.input(), convnet.get_layer("features")->output());
  const Tensor image = ops::ones({1, 64, 64, 3});
  std::printf("features %s\n", features(image).shape().to_string().c_str());

  // Transfer learning: freeze what is trained, put a new head on it.
  convnet.pop();
  convnet.set_trainable(false);
  Sequential transfer({convnet, layers::Dense(5, {.activation = "softmax"})});
  transfer.ensure_built({{std::nullopt, 64, 64, 3}});
  std::printf("%zu weights, %zu of them learn\n", transfer.weights().size(),
              transfer.trainable_weights().size());
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
