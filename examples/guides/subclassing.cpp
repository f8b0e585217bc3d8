// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/subclassing.md.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

// A layer: weights made in build(), a computation in call(), a name and its attributes in KERAS_LAYER.
class Linear : public Layer {
  Variable w, b;
  int64_t units_;

 public:
  explicit Linear(int64_t units, LayerOptions options = {}) : Layer(std::move(options)), units_(units) {}
  KERAS_LAYER(Linear, w, b)

  void build(const Shape& input_shape) override {
    add_weight(w, "w", {input_shape.back(), units_}, {.initializer = "random_normal"});
    add_weight(b, "b", {units_}, {.initializer = "zeros"});
  }
  Tensor call(const Tensor& x, const CallArgs&) override { return ops::matmul(x, w.value()) + b.value(); }

  // What a file needs to make it again.
  Json get_config() const override {
    Json config = Layer::get_config();
    config.set("units", units_);
    return config;
  }
  static Linear from_config(const Json& config) {
    return Linear(config["units"].as_int(), {.name = config["name"].as_string()});
  }
};
KERAS_REGISTER(Linear);

// Layers are made of layers, may add losses, and see whether they are in training.
class NoisyBlock : public Layer {
  Linear first{32}, second{32};
  layers::GaussianNoise noise{0.1};

 public:
  KERAS_LAYER(NoisyBlock, first, second, noise)
  Tensor call(const Tensor& x, const CallArgs& args) override {
    Tensor hidden = ops::relu(first(x));
    add_loss(1e-3 * ops::mean(ops::sum(ops::square(hidden), -1)));
    return ops::relu(second(noise(hidden, {.training = args.training})));
  }
};
KERAS_REGISTER(NoisyBlock);

// A model is a layer that can be trained, evaluated and saved.
class Classifier : public Model {
  std::vector<NoisyBlock> blocks{3};
  layers::Dense out{2, {.activation = "softmax"}};

 public:
  KERAS_MODEL(Classifier, blocks, out)
  Tensor call(const Tensor& inputs, const CallArgs&) override {
    Tensor x = inputs;
    for (auto& block : blocks) x = block(x);
    return out(x);
  }
};
KERAS_REGISTER(Classifier);

// Losses, metrics and callbacks are subclassed the same way, or are plain functions.
class Printer : public Callback {
 public:
  void on_epoch_end(int64_t epoch, Logs& logs) override {
    std::printf("epoch %lld: loss %.3f\n", static_cast<long long>(epoch), logs["loss"]);
  }
};

int main() try {
  utils::set_random_seed(7);

  Linear linear(4);
  std::printf("output %s\n", linear(ops::ones({2, 2})).shape().to_string().c_str());

  Classifier model;
  model.compile({
      .optimizer = "adam",
      .loss = "sparse_categorical_crossentropy",
      .metrics = {"accuracy"},
  });
  const Tensor x = random::normal({256, 8});
  const Tensor y = ops::cast(ops::sum(x, -1) > 0.0, "int32");
  model.fit(x, y, {.epochs = 5, .verbose = 0, .callbacks = {std::make_shared<Printer>()}});
  model.summary({.expand_nested = true});
  std::printf("%zu losses from the layers\n", model.losses().size());

  // A C++ function in a loss' place; only what has a registered name can be saved.
  Classifier margin;
  margin.compile({.optimizer = "sgd", .loss = [](const Tensor& t, const Tensor& p) {
                    return ops::mean(ops::square(ops::one_hot(t, 2) - p), -1);
                  }});
  margin.fit(x, y, {.verbose = 0});

  // Weights by name, or the whole model.
  model.save_weights("classifier.weights.h5");
  Classifier other;
  other.ensure_built({{std::nullopt, 8}});
  other.load_weights("classifier.weights.h5");
  model.save("subclassed.keras");
  auto loaded = load_model("subclassed.keras");
  const double difference = ops::max(ops::abs((*loaded)(x)-other(x))).item<float>();
  std::printf("the two copies differ by %.1e\n", difference);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
