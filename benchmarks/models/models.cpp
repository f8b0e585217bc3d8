// SPDX-License-Identifier: Apache-2.0
#include "models/models.h"

#include <algorithm>
#include <cmath>

namespace keras::benchmarks {
namespace {

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

// 784-512-512-10, ReLU, Adam.
std::shared_ptr<Model> mlp() {
  return std::make_shared<Sequential>(Sequential({
      Input({784}),
      layers::Dense(512, {.activation = "relu"}),
      layers::Dense(512, {.activation = "relu"}),
      layers::Dense(10, {.activation = "softmax"}),
  }));
}

// 28x28x1, two convolutions, pooling, dropout, dense 128, Adam.
std::shared_ptr<Model> cnn() {
  return std::make_shared<Sequential>(Sequential({
      Input({28, 28, 1}),
      layers::Conv2D(32, {3, 3}, {.activation = "relu"}),
      layers::Conv2D(64, {3, 3}, {.activation = "relu"}),
      layers::MaxPooling2D({2, 2}),
      layers::Dropout(0.25),
      layers::Flatten(),
      layers::Dense(128, {.activation = "relu"}),
      layers::Dropout(0.5),
      layers::Dense(10, {.activation = "softmax"}),
  }));
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
std::shared_ptr<Model> resnet20() {
  Sequential model({Input({32, 32, 3}), layers::Conv2D(16, {3, 3}, {.padding = "same", .use_bias = false}),
                    layers::BatchNormalization(), layers::ReLU()});
  int64_t width = 16;
  for (const int64_t filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const bool widens = filters != width;
      model.add(ResidualBlock(filters, widens ? 2 : 1, widens));
      width = filters;
    }
  }
  model.add(layers::GlobalAveragePooling2D());
  model.add(layers::Dense(10, {.activation = "softmax"}));
  return std::make_shared<Sequential>(model);
}

constexpr int64_t kVocabulary = 20000;

// 80 words, embedding 128, LSTM 128, one sigmoid, Adam.
std::shared_ptr<Model> lstm() {
  return std::make_shared<Sequential>(Sequential({
      Input({80}, {.dtype = "int32"}),
      layers::Embedding(kVocabulary, 128),
      layers::LSTM(128),
      layers::Dense(1, {.activation = "sigmoid"}),
  }));
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
std::shared_ptr<Model> transformer() {
  return std::make_shared<Sequential>(Sequential({
      Input({200}, {.dtype = "int32"}),
      TokenAndPositionEmbedding(200, 64),
      EncoderBlock(64, 2, 128),
      EncoderBlock(64, 2, 128),
      layers::GlobalAveragePooling1D(),
      layers::Dropout(0.1),
      layers::Dense(20, {.activation = "relu"}),
      layers::Dropout(0.1),
      layers::Dense(2, {.activation = "softmax"}),
  }));
}

Tensor normalized(const Tensor& x, bool rectified) {
  const Tensor y = layers::BatchNormalization({.momentum = 0.999, .epsilon = 1e-3})(x);
  return rectified ? layers::ReLU({.max_value = 6.0})(y) : y;
}

// A thin tensor is widened, filtered channel by channel, and made thin again (Sandler et al., 2018).
Tensor inverted_residual(const Tensor& x, int64_t filters, int64_t stride, int64_t expansion) {
  const int64_t channels = x.dim(-1).value();
  Tensor y = x;
  if (expansion != 1)
    y = normalized(layers::Conv2D(expansion * channels, {1, 1}, {.padding = "same", .use_bias = false})(y),
                   true);
  if (stride == 2) y = layers::ZeroPadding2D({{0, 1}, {0, 1}})(y);
  y = layers::DepthwiseConv2D(
      {3, 3}, {.padding = stride == 1 ? "same" : "valid", .strides = {stride, stride}, .use_bias = false})(y);
  y = normalized(y, true);
  y = normalized(layers::Conv2D(filters, {1, 1}, {.padding = "same", .use_bias = false})(y), false);
  return channels == filters && stride == 1 ? layers::add({x, y}) : y;
}

// keras.applications.MobileNetV2 at 224x224x3, 1000 classes.
std::shared_ptr<Model> mobilenetv2() {
  struct Stage {
    int64_t filters, stride, blocks, expansion;
  };
  const Tensor image = Input({224, 224, 3});
  Tensor x = layers::Conv2D(32, {3, 3}, {.strides = {2, 2}, .padding = "same", .use_bias = false})(image);
  x = normalized(x, true);
  for (const Stage& stage : {Stage{16, 1, 1, 1}, Stage{24, 2, 2, 6}, Stage{32, 2, 3, 6}, Stage{64, 2, 4, 6},
                             Stage{96, 1, 3, 6}, Stage{160, 2, 3, 6}, Stage{320, 1, 1, 6}}) {
    for (int64_t block = 0; block < stage.blocks; ++block)
      x = inverted_residual(x, stage.filters, block == 0 ? stage.stride : 1, stage.expansion);
  }
  x = normalized(layers::Conv2D(1280, {1, 1}, {.use_bias = false})(x), true);
  x = layers::GlobalAveragePooling2D()(x);
  return std::make_shared<Model>(image, layers::Dense(1000, {.activation = "softmax"})(x));
}

struct Recipe {
  std::string name;
  std::shared_ptr<Model> (*make)();
  Shape sample;
  bool words;       // integers below the vocabulary instead of real numbers
  int64_t classes;  // 1: one sigmoid
  bool adam;
};

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"mlp", mlp, {784}, false, 10, true},
      {"cnn", cnn, {28, 28, 1}, false, 10, true},
      {"resnet20", resnet20, {32, 32, 3}, false, 10, false},
      {"lstm", lstm, {80}, true, 1, true},
      {"transformer", transformer, {200}, true, 2, true},
      {"mobilenetv2", mobilenetv2, {224, 224, 3}, false, 1000, true},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& recipe : recipes()) out.push_back(recipe.name);
    return out;
  }();
  return names;
}

Task make_task(std::string_view model, int64_t batch, const TaskOptions& options) {
  const auto recipe =
      std::find_if(recipes().begin(), recipes().end(), [&](const Recipe& r) { return r.name == model; });
  if (recipe == recipes().end()) throw ValueError("There is no benchmark model '" + std::string(model) + "'");
  config::set_dtype_policy(options.dtype_policy);
  Shape shape = {batch};
  for (const Dim size : recipe->sample) shape.push_back(size);
  Task task{recipe->make(), recipe->words ? integers(shape, kVocabulary) : real_data(shape), {}};
  if (recipe->name == "mobilenetv2") return task;
  const bool binary = recipe->classes == 1;
  task.y = binary ? integers({batch, 1}, 2) : integers({batch}, recipe->classes);
  CompileOptions compile{.loss = binary ? "binary_crossentropy" : "sparse_categorical_crossentropy"};
  const double rate = options.learning_rate;
  if (recipe->adam) {
    compile.optimizer = optimizers::Adam(rate == 0 ? 0.001 : rate);
  } else {
    compile.optimizer = optimizers::SGD(rate == 0 ? 0.01 : rate, {.momentum = 0.9});
  }
  std::vector<MetricsArg> metrics;
  for (const auto& name : options.metrics) metrics.emplace_back(name);
  if (!metrics.empty()) compile.metrics = metrics;
  task.model->compile(compile);
  return task;
}

}  // namespace keras::benchmarks
