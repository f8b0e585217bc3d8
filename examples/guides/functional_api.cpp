// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/functional_api.md.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

int main() try {
  utils::set_random_seed(42);

  // Call layers on an Input, and make a model of where it begins and ends.
  auto inputs = Input({784}, {.name = "pixels"});
  auto x = layers::Dense(64, {.activation = "relu"})(inputs);
  x = layers::Dense(64, {.activation = "relu"})(x);
  auto outputs = layers::Dense(10)(x);
  Model model(inputs, outputs, {.name = "mnist_model"});
  model.summary();

  // A model is called like a layer, and one graph serves several models.
  auto encoder_input = Input({28, 28, 1}, {.name = "img"});
  x = layers::Conv2D(16, {3, 3}, {.activation = "relu"})(encoder_input);
  x = layers::MaxPooling2D({3, 3})(x);
  x = layers::Conv2D(16, {3, 3}, {.activation = "relu"})(x);
  auto code = layers::GlobalMaxPooling2D()(x);
  Model encoder(encoder_input, code, {.name = "encoder"});

  x = layers::Reshape({4, 4, 1})(code);
  x = layers::Conv2DTranspose(16, {3, 3}, {.activation = "relu"})(x);
  x = layers::UpSampling2D(3)(x);
  auto decoded = layers::Conv2DTranspose(1, {11, 11}, {.activation = "sigmoid"})(x);
  Model autoencoder(encoder_input, decoded, {.name = "autoencoder"});
  std::printf("autoencoder gives %s, %zu weights shared with the encoder\n",
              autoencoder.outputs()[0].shape().to_string().c_str(), encoder.weights().size());

  // Several inputs and outputs: rank support tickets by priority, and route them to a department.
  constexpr int64_t kWords = 1000, kTags = 12, kDepartments = 4;
  auto title = Input({std::nullopt}, {.dtype = "int32", .name = "title"});
  auto body = Input({std::nullopt}, {.dtype = "int32", .name = "body"});
  auto tags = Input({kTags}, {.name = "tags"});
  auto title_features = layers::LSTM(16)(layers::Embedding(kWords, 16)(title));
  auto body_features = layers::LSTM(8)(layers::Embedding(kWords, 16)(body));
  x = layers::concatenate({title_features, body_features, tags});
  auto priority = layers::Dense(1, {.name = "priority"})(x);
  auto department = layers::Dense(kDepartments, {.name = "department"})(x);
  Model tickets(Nest::dict({{"title", title}, {"body", body}, {"tags", tags}}),
                Nest::dict({{"priority", priority}, {"department", department}}));
  tickets.compile({
      .optimizer = optimizers::RMSprop(1e-3),
      .loss = named<LossArg>({
          {"priority", losses::BinaryCrossentropy({.from_logits = true})},
          {"department", losses::CategoricalCrossentropy({.from_logits = true})},
      }),
      .loss_weights = named<LossWeightsArg>({{"priority", 1.0}, {"department", 0.2}}),
  });
  const int64_t n = 64;
  const Nest data = Nest::dict({{"title", random::randint({n, 10}, 0, kWords)},
                                {"body", random::randint({n, 20}, 0, kWords)},
                                {"tags", random::uniform({n, kTags})}});
  const Nest targets = Nest::dict(
      {{"priority", random::uniform({n, 1})},
       {"department", utils::to_categorical(random::randint({n}, 0, kDepartments), kDepartments)}});
  tickets.fit(data, targets, {.batch_size = 32, .epochs = 2, .verbose = 2});

  // Residual connections, and operations: arithmetic, slices and every function of keras::ops are nodes.
  auto image = Input({32, 32, 3});
  x = layers::Conv2D(16, {3, 3}, {.padding = "same", .activation = "relu"})(image);
  auto block = layers::Conv2D(16, {3, 3}, {.padding = "same", .activation = "relu"})(x);
  x = x + block;
  auto center = x[{Slice(), Slice(8, 24), Slice(8, 24)}];
  auto pooled = ops::mean(center, {1, 2});
  Model resnet(image, layers::Dense(10)(pooled));

  // A layer that is called twice learns from both calls.
  layers::Embedding shared(kWords, 32);
  auto first = Input({5}, {.dtype = "int32"}), second = Input({5}, {.dtype = "int32"});
  auto likeness = layers::Dot(-1)({ops::mean(shared(first), 1), ops::mean(shared(second), 1)});
  Model siamese({first, second}, likeness);
  std::printf("siamese model: %zu weight\n", siamese.weights().size());

  // The graph is data: look into it, take models out of it, save it, clone it.
  std::vector<Nest> taps;
  for (const auto& layer : encoder.layers()) taps.push_back(layer->output());
  Model all_features(encoder.input(), Nest(taps));
  std::printf("%zu features\n", all_features.outputs().size());
  resnet.save("resnet.keras");
  auto again = load_model("resnet.keras");
  auto fresh = clone_model(*again);
  const Tensor sample = ops::ones({1, 32, 32, 3});
  const double difference = ops::max(ops::abs((*again)(sample)-resnet(sample))).item<float>();
  std::printf("loaded model differs by %.1e; its clone has %lld new parameters\n", difference,
              static_cast<long long>(fresh->count_params()));
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
