// SPDX-License-Identifier: Apache-2.0
// The CNN with dropout, fifty steps from one seed on this backend and on native: what is random agrees to the
// bit, what is computed to rounding.
#include "conformance/conformance.h"
#include "keras/keras.h"

namespace keras::internal {
namespace {

constexpr int64_t kSamples = 80, kBatch = 8, kEpochs = 5;

// Notes what passes through it while training, where that is no traced tensor.
class Spy : public Layer {
 public:
  std::vector<std::vector<float>>* seen;
  explicit Spy(std::vector<std::vector<float>>* s) : seen(s) {}
  KERAS_LAYER(Spy)
  Tensor call(const Tensor& x, const CallArgs& args) override {
    if (args.training.value_or(false) && !x.abstract()) seen->push_back(x.to_vector<float>());
    return x;
  }
};

// Dropout whose mask can be seen: applied to ones, and then to the operand.
class SeenDropout : public Layer {
  layers::Dropout dropout;

 public:
  std::vector<std::vector<float>>* seen;
  SeenDropout(double rate, std::vector<std::vector<float>>* s) : dropout(rate), seen(s) {}
  KERAS_LAYER(SeenDropout, dropout)
  Tensor call(const Tensor& x, const CallArgs& args) override {
    const Tensor mask = dropout(ops::ones_like(x), args);
    if (args.training.value_or(false) && !mask.abstract()) seen->push_back(mask.to_vector<float>());
    return x * mask;
  }
};

struct Training {
  std::vector<std::vector<float>> weights, batches, masks;
  std::vector<double> losses;
  std::vector<double> epochs;
};

Training train(bool eagerly) {
  utils::set_random_seed(11);
  std::vector<float> pixels(static_cast<size_t>(kSamples * 8 * 8));
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < kSamples; ++i) {
    labels.push_back(i * i % 3);
    for (int64_t p = 0; p < 64; ++p) {
      const double wave = std::sin(0.7 * static_cast<double>(p * (1 + labels.back())));
      pixels[static_cast<size_t>(i * 64 + p)] =
          static_cast<float>(wave + 0.3 * std::sin(1.7 * static_cast<double>(i * 64 + p)));
    }
  }
  const Tensor x = Tensor::from(pixels, {kSamples, 8, 8, 1});
  const Tensor y = Tensor::from(labels);
  Training seen;
  Sequential model({Input({8, 8, 1}), Spy(&seen.batches), layers::Conv2D(6, {3, 3}, {.activation = "relu"}),
                    layers::Conv2D(8, {3, 3}, {.padding = "same", .activation = "relu"}),
                    layers::MaxPooling2D({2, 2}), SeenDropout(0.25, &seen.masks), layers::Flatten(),
                    layers::Dense(16, {.activation = "relu"}), SeenDropout(0.5, &seen.masks),
                    layers::Dense(3, {.activation = "softmax"})});
  for (const Tensor& w : model.get_weights()) seen.weights.push_back(w.to_vector<float>());
  const auto loss = [&seen](const Tensor& target, const Tensor& prediction) {
    const Tensor each = ops::sparse_categorical_crossentropy(target, prediction);
    if (!each.abstract()) seen.losses.push_back(ops::mean(each).item<double>());
    return each;
  };
  model.compile({.optimizer = optimizers::Adam(0.003), .loss = loss, .run_eagerly = eagerly});
  const auto history = model.fit(x, y, {.batch_size = kBatch, .epochs = kEpochs, .verbose = 0});
  seen.epochs = (*history)["loss"];
  return seen;
}

class TrainingAlike : public Conformance {};

TEST_F(TrainingAlike, FiftyStepsOfTheCnnWithDropout) {
  const Training here = train(true);
  ASSERT_EQ(here.losses.size(), 50u);
  EXPECT_LT(here.losses.back(), here.losses.front());
  if (native()) return;
  const Training reference = [] {
    const tests::ChosenBackend native("native");
    return train(true);
  }();
  EXPECT_EQ(here.weights, reference.weights) << "initial weights, to the bit";
  EXPECT_EQ(here.batches, reference.batches) << "shuffles";
  ASSERT_EQ(here.masks.size(), 100u);
  EXPECT_EQ(here.masks, reference.masks) << "masks of both dropouts in every step";
  EXPECT_NEAR(here.losses.front(), reference.losses.front(), 1e-5 * reference.losses.front());
  EXPECT_NEAR(here.losses.back(), reference.losses.back(), 1e-2 * reference.losses.back());
}

TEST_F(TrainingAlike, TracedAsEagerly) {
  const Training traced = train(false);
  ASSERT_EQ(traced.epochs.size(), 5u);
  const Training eager = train(true);
  EXPECT_EQ(traced.weights, eager.weights);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(traced.epochs[i], eager.epochs[i], 1e-2 * eager.epochs[i]) << "epoch " << i;
}

}  // namespace
}  // namespace keras::internal
