// SPDX-License-Identifier: Apache-2.0
// One training step (forward, loss, gradients, optimizer, metric) of five models on one batch of float32
// data. KERAS_BACKEND chooses the backend, OMP_NUM_THREADS the threads.
#include <benchmark/benchmark.h>

#include <cmath>

#include "keras/keras.h"
#include "keras/runtime/backend.h"

namespace {

using namespace keras;  // NOLINT: as a user's program

Tensor real_data(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(0.5 + 0.5 * std::sin(1.0 + 1.7 * static_cast<double>(i)));
  return Tensor::from(values, shape);
}

Tensor integers(const Shape& shape, int64_t below) {
  std::vector<int32_t> values(static_cast<size_t>(shape.elements()));
  uint64_t state = 12345;
  for (int32_t& v : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(below));
  }
  return Tensor::from(values, shape);
}

struct Task {
  Sequential model;
  Tensor x, y;
};

// 784-512-512-10, ReLU, Adam.
Task mlp(int64_t batch) {
  Task task{
      Sequential({Input({784}), layers::Dense(512, {.activation = "relu"}),
                  layers::Dense(512, {.activation = "relu"}), layers::Dense(10, {.activation = "softmax"})}),
      real_data({batch, 784}), integers({batch}, 10)};
  task.model.compile(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return task;
}

// 28x28x1, two convolutions, pooling, dropout, dense 128, Adam.
Task cnn(int64_t batch) {
  Task task{Sequential({Input({28, 28, 1}), layers::Conv2D(32, {3, 3}, {.activation = "relu"}),
                        layers::Conv2D(64, {3, 3}, {.activation = "relu"}), layers::MaxPooling2D({2, 2}),
                        layers::Dropout(0.25), layers::Flatten(), layers::Dense(128, {.activation = "relu"}),
                        layers::Dropout(0.5), layers::Dense(10, {.activation = "softmax"})}),
            real_data({batch, 28, 28, 1}), integers({batch}, 10)};
  task.model.compile(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return task;
}

// Two 3x3 convolutions with batch normalization and a way past them (He et al., 2015).
class ResidualBlock : public Layer {
  layers::Conv2D conv1, conv2, projection;
  layers::BatchNormalization norm1, norm2;
  bool projects_;

 public:
  ResidualBlock(int64_t filters, int64_t stride, bool projects)
      : conv1(filters, {3, 3}, {.strides = {stride, stride}, .padding = "same", .use_bias = false}),
        conv2(filters, {3, 3}, {.padding = "same", .use_bias = false}),
        projection(filters, {1, 1}, {.strides = {stride, stride}, .use_bias = false}),
        projects_(projects) {}
  KERAS_LAYER(ResidualBlock, conv1, conv2, projection, norm1, norm2)
  Tensor call(const Tensor& x, const CallArgs& args) override {
    const Tensor past = projects_ ? projection(x) : x;
    return ops::relu(norm2(conv2(ops::relu(norm1(conv1(x), args))), args) + past);
  }
};

// ResNet-20 for CIFAR-10's 32x32x3, SGD with momentum.
Task resnet20(int64_t batch) {
  Task task{
      Sequential({Input({32, 32, 3}), layers::Conv2D(16, {3, 3}, {.padding = "same", .use_bias = false}),
                  layers::BatchNormalization(), layers::ReLU()}),
      real_data({batch, 32, 32, 3}), integers({batch}, 10)};
  int64_t width = 16;
  for (const int64_t filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const bool widens = filters != width;
      task.model.add(ResidualBlock(filters, widens ? 2 : 1, widens));
      width = filters;
    }
  }
  task.model.add(layers::GlobalAveragePooling2D());
  task.model.add(layers::Dense(10, {.activation = "softmax"}));
  task.model.compile({.optimizer = optimizers::SGD(0.01, {.momentum = 0.9}),
                      .loss = "sparse_categorical_crossentropy",
                      .metrics = {"accuracy"}});
  return task;
}

constexpr int64_t kVocabulary = 20000;

// 80 words, embedding 128, LSTM 128, one sigmoid, Adam.
Task lstm(int64_t batch) {
  Task task{Sequential({Input({80}, {.dtype = "int32"}), layers::Embedding(kVocabulary, 128),
                        layers::LSTM(128), layers::Dense(1, {.activation = "sigmoid"})}),
            integers({batch, 80}, kVocabulary), integers({batch, 1}, 2)};
  task.model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  return task;
}

// Vectors of words and of places, added.
class TokenAndPositionEmbedding : public Layer {
  layers::Embedding tokens, positions;

 public:
  TokenAndPositionEmbedding(int64_t length, int64_t width)
      : tokens(kVocabulary, width), positions(length, width) {}
  KERAS_LAYER(TokenAndPositionEmbedding, tokens, positions)
  Tensor call(const Tensor& x, const CallArgs&) override {
    return tokens(x) + positions(ops::arange(0, x.dim(1).value(), 1, DType::int32));
  }
};

// Self-attention and a two-layer network, each added to what it saw and normalized.
class EncoderBlock : public Layer {
  layers::MultiHeadAttention attention;
  layers::Dense inner, outer;
  layers::LayerNormalization norm1, norm2;
  layers::Dropout dropout1, dropout2;

 public:
  EncoderBlock(int64_t width, int64_t heads, int64_t inner_width)
      : attention(heads, width / heads),
        inner(inner_width, {.activation = "relu"}),
        outer(width),
        norm1({.epsilon = 1e-6}),
        norm2({.epsilon = 1e-6}),
        dropout1(0.1),
        dropout2(0.1) {}
  KERAS_LAYER(EncoderBlock, attention, inner, outer, norm1, norm2, dropout1, dropout2)
  Tensor call(const Tensor& x, const CallArgs& args) override {
    const Tensor attended = attention({x, x}, args).tensor();
    const Tensor y = norm1(x + dropout1(attended, args));
    return norm2(y + dropout2(outer(inner(y)), args));
  }
};

// 200 words, width 64, 2 heads, two encoder blocks of inner width 128, Adam.
Task transformer(int64_t batch) {
  Task task{Sequential({Input({200}, {.dtype = "int32"}), TokenAndPositionEmbedding(200, 64),
                        EncoderBlock(64, 2, 128), EncoderBlock(64, 2, 128), layers::GlobalAveragePooling1D(),
                        layers::Dropout(0.1), layers::Dense(20, {.activation = "relu"}), layers::Dropout(0.1),
                        layers::Dense(2, {.activation = "softmax"})}),
            integers({batch, 200}, kVocabulary), integers({batch}, 2)};
  task.model.compile(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return task;
}

template <class Make>
void train(benchmark::State& state, const Make& make) {
  utils::set_random_seed(1);
  Task task = make(state.range(0));
  const internal::RunScope threads;  // as fit does
  for (int i = 0; i < 3; ++i) task.model.train_on_batch(task.x, task.y);
  double loss = 0;
  for (auto _ : state) loss = task.model.train_on_batch(task.x, task.y)["loss"];
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["loss"] = loss;
}

BENCHMARK_CAPTURE(train, mlp, mlp)->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, cnn, cnn)->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, resnet20, resnet20)->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, lstm, lstm)->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, transformer, transformer)
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
