// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/compiled_functions.md.
#include <keras/keras.h>

#include <cstdio>
#include <fstream>

using namespace keras;

void a_training_step() {
  auto inputs = Input({2});
  auto x = layers::Dense(32, {.activation = "relu"})(inputs);
  Model model(inputs, layers::Dense(3)(x));
  optimizers::Adam optimizer(0.01);
  losses::SparseCategoricalCrossentropy loss_fn({.from_logits = true});

  const auto train_step = function([&](const Tensor& batch, const Tensor& target) {
    GradientTape tape;
    const Tensor loss = loss_fn(target, model(batch, {.training = true}));
    const auto weights = model.trainable_variables();
    optimizer.apply(tape.gradient(loss, weights), weights);
    return loss;
  });

  const Tensor points = random::uniform({1024, 2}, -1.0, 1.0);
  const Tensor labels = ops::cast(ops::sum(points > 0.0, -1), "int32");
  for (int epoch = 0; epoch < 3; ++epoch) {
    double loss = 0;
    for (int64_t start = 0; start < 1024; start += 64) {
      const Slice rows(start, start + 64);
      loss = train_step(points[rows], labels[rows]).item<float>();
    }
    std::printf("epoch %d: loss %.3f\n", epoch, loss);
  }
  std::printf("traced %lld times\n", static_cast<long long>(train_step.traces()));
}

void signatures() {
  const auto scaled = function([](const Tensor& x, double factor) {
    std::puts("tracing");
    return x * factor;
  });
  scaled(ops::ones({2}), 3.0);  // tracing
  scaled(ops::ones({2}), 3.0);
  scaled(ops::ones({4}), 3.0);  // tracing: another shape
  scaled(ops::ones({4}), 5.0);  // tracing: another number

  const auto mean = function([](const Tensor& x) { return ops::mean(x, 0); },
                             {.input_signature = {{{DType::float32, {Dim::unknown(), 3}}}}});
  mean(ops::ones({10, 3}));
  mean(ops::ones({99, 3}));
  std::printf("traced %lld times\n", static_cast<long long>(mean.traces()));
}

void state() {
  const Variable counter(Tensor(0), DType::int32, "counter", false);
  const auto count = function([&] {
    counter.assign_add(Tensor(1));
    return counter.value();
  });
  count();
  count();
  std::printf("counter: %d\n", counter.value().item<int>());
}

void decisions() {
  // Halves while the numbers are large; adds one to what is negative.
  const auto settle = function([](const Tensor& x) {
    const Nest halved = ops::while_loop([](const Nest& s) { return ops::max(s.tensor()) > 1.0; },
                                        [](const Nest& s) { return Nest(s.tensor() / 2.0); }, x);
    return ops::cond(
               ops::min(halved.tensor()) < 0.0, [&] { return Nest(halved.tensor() + 1.0); },
               [&] { return halved; })
        .tensor();
  });
  std::printf("%s\n", settle(Tensor{10.0, 3.0}).to_string().c_str());
  std::printf("%s\n", settle(Tensor{10.0, -3.0}).to_string().c_str());

  const auto running_sum = function([](const Tensor& rows) {
    const auto step = [](const Nest& sum, const Nest& row) {
      const Tensor next = sum.tensor() + row.tensor();
      return std::pair<Nest, Nest>{next, next};
    };
    return ops::scan(step, ops::zeros({2}), rows).second.tensor();
  });
  std::printf("%s\n", running_sum(Tensor{{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}).to_string().c_str());
}

void a_look_inside() {
  const auto f = function([](const Tensor& x) { return ops::relu(x * 2.0 + 1.0); });
  f(ops::ones({3}));
  std::printf("%s", f.to_string().c_str());
  std::ofstream("relu.dot") << f.to_dot();  // dot -Tsvg relu.dot -o relu.svg
}

int main() {
  a_training_step();
  signatures();
  state();
  decisions();
  a_look_inside();
}
