// SPDX-License-Identifier: Apache-2.0
// A traced step of training and of inference in its steady state: the call of the Function, from its
// arguments to its result, asks for no memory and touches no new page.
#include <gtest/gtest.h>

#include <functional>

#include "keras/autodiff/gradient_tape.h"
#include "keras/compile/function.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/nn/losses/crossentropy.h"
#include "keras/nn/optimizers/adam.h"
#include "keras/random.h"
#include "steady/allocation_count.h"

namespace keras::tests {
namespace {

void expect_steady(const std::function<void()>& call) {
  for (int i = 0; i < 10; ++i) call();
  const AllocationCount before = allocation_count();
  for (int i = 0; i < 100; ++i) call();
  const AllocationCount after = allocation_count();
  if (!counts_mallocs()) GTEST_SKIP() << "the sanitizer has its own malloc, which touches fresh pages";
  EXPECT_LE(after.faults - before.faults, 2);
  EXPECT_EQ(after.news - before.news, 0);
  EXPECT_EQ(after.mallocs - before.mallocs, 0);
}

TEST(TracedStep, TrainsAndAllocatesNothing) {
  Sequential model({Input({784}), layers::Dense(512, {.activation = "relu"}),
                    layers::Dense(512, {.activation = "relu"}), layers::Dense(10)});
  optimizers::Adam optimizer(1e-3);
  const losses::SparseCategoricalCrossentropy loss_fn({.from_logits = true});
  const auto step = function([&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor loss = loss_fn(y, model(x, {.training = true}));
    const auto weights = model.trainable_variables();
    optimizer.apply(tape.gradient(loss, weights), weights);
    return loss;
  });
  for (const int64_t batch : {1, 32, 128}) {
    const Tensor x = random::uniform({batch, 784});
    const Tensor y = random::randint({batch}, 0, 10);
    const float first = step(x, y).item<float>();
    float last = 0;
    for (int i = 0; i < 30; ++i) last = step(x, y).item<float>();
    EXPECT_LT(last, 0.8f * first) << batch;
    expect_steady([&] { step(x, y); });
  }
}

TEST(TracedStep, InferenceAllocatesNothing) {
  Sequential model({Input({784}), layers::Dense(512, {.activation = "relu"}), layers::Dense(10)});
  const auto f = function([&](const Tensor& x) { return model(x); });
  for (const int64_t batch : {1, 32}) {
    const Tensor x = random::uniform({batch, 784});
    expect_steady([&] { f(x); });
  }
}

// Convolutions take a batch in slices, which have memory of their own.
TEST(TracedStep, InferenceOfConvolutionsAllocatesNothing) {
  Sequential model({Input({32, 32, 3}), layers::Conv2D(32, {3, 3}, {.activation = "relu"}),
                    layers::Conv2D(32, {3, 3}, {.activation = "relu"}), layers::Flatten(),
                    layers::Dense(10)});
  const auto f = function([&](const Tensor& x) { return model(x); });
  for (const int64_t batch : {1, 64}) {
    const Tensor x = random::uniform({batch, 32, 32, 3});
    expect_steady([&] { f(x); });
  }
}

}  // namespace
}  // namespace keras::tests
