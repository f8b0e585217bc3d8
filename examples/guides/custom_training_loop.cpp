// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/custom_training_loop.md.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

// fit() with a step of your own: override train_step, and everything else stays.
class Penalized : public Model {
  layers::Dense hidden{16, {.activation = "tanh"}}, out{1};

 public:
  KERAS_MODEL(Penalized, hidden, out)
  Tensor call(const Tensor& x, const CallArgs&) override { return out(hidden(x)); }

  Logs train_step(const DataTriple& data) override {
    std::vector<Tensor> gradients;
    const auto weights = trainable_variables();
    {
      GradientTape tape;
      // How strongly the output reacts to the input: a gradient inside of a gradient.
      const Tensor x = data.x;
      Tensor slope;
      {
        GradientTape inner;
        inner.watch(x);
        slope = inner.gradient((*this)(x, {.training = true}), x);
      }
      const Nest prediction = (*this)(data.x, {.training = true});
      Tensor loss = compute_loss(data.x, data.y, prediction, data.sample_weight);
      loss = loss + 0.01 * ops::mean(ops::square(slope));
      gradients = tape.gradient(loss, weights);
      optimizer().apply(gradients, weights);
      return {{"loss", loss}};
    }
  }
};

int main() try {
  utils::set_random_seed(1);

  auto inputs = Input({2});
  auto x = layers::Dense(32, {.activation = "relu"})(inputs);
  Model model(inputs, layers::Dense(3)(x));

  const Tensor points = random::uniform({1024, 2}, -1.0, 1.0);
  const Tensor labels = ops::cast(ops::sum(points > 0.0, -1), "int32");

  optimizers::Adam optimizer(0.01);
  losses::SparseCategoricalCrossentropy loss_fn({.from_logits = true});
  metrics::SparseCategoricalAccuracy train_accuracy, test_accuracy;

  const auto train_step = [&](const Tensor& batch, const Tensor& target) {
    GradientTape tape;  // records until it goes out of scope
    const Tensor logits = model(batch, {.training = true});
    const Tensor loss = loss_fn(target, logits);
    const auto weights = model.trainable_variables();
    optimizer.apply(tape.gradient(loss, weights), weights);
    train_accuracy.update_state(target, logits);
    return loss;
  };

  constexpr int64_t kBatch = 64, kTrain = 896;
  for (int epoch = 0; epoch < 5; ++epoch) {
    double loss = 0;
    for (int64_t start = 0; start < kTrain; start += kBatch) {
      const Slice rows(start, start + kBatch);
      loss = train_step(points[rows], labels[rows]).item<float>();
    }
    const Tensor held_back = points[Slice(kTrain, std::nullopt)];
    test_accuracy.update_state(labels[Slice(kTrain, std::nullopt)], model(held_back, {.training = false}));
    std::printf("epoch %d: loss %.3f, accuracy %.3f, on unseen points %.3f\n", epoch, loss,
                train_accuracy.result().tensor().item<float>(),
                test_accuracy.result().tensor().item<float>());
    train_accuracy.reset_state();
    test_accuracy.reset_state();
  }

  // Derivatives of anything: persistent tapes, Jacobians, second orders.
  const Tensor a = Tensor::from(std::vector<float>{1, 2, 3}, {3});
  GradientTape tape({.persistent = true});
  tape.watch(a);
  const Tensor cubes = a * a * a;
  const Tensor jacobian = tape.jacobian(cubes, a);
  const Tensor gradient = tape.gradient(ops::sum(cubes), a);
  std::printf("jacobian %s, gradient %.0f %.0f %.0f\n", jacobian.shape().to_string().c_str(),
              gradient.to_vector<float>()[0], gradient.to_vector<float>()[1], gradient.to_vector<float>()[2]);

  Penalized penalized;
  penalized.compile({.optimizer = "adam", .loss = "mse"});
  penalized.fit(points, ops::sum(points, -1, true), {.epochs = 3, .verbose = 2});
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
