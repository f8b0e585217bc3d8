// SPDX-License-Identifier: Apache-2.0
// What dropout does in recurrent layers, by the values and the shares of elements that it leaves.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "keras/nn/layers/recurrent.h"
#include "keras/ops/numpy.h"
#include "nn/close.h"

namespace keras {
namespace {

using layers::GRU;
using layers::LSTM;

// Share of each value among the elements.
std::map<double, double> shares(const Tensor& t) {
  std::map<double, double> out;
  const auto all = t.to_vector<double>();
  for (const double v : all) out[std::round(v * 1e4) / 1e4] += 1.0 / static_cast<double>(all.size());
  return out;
}

CallArgs training() {
  CallArgs args;
  args.training = true;
  return args;
}

// A SimpleRNN whose output is its input, or its state, through one dropout mask.
TEST(RecurrentDropout, OneMaskOfTheInputsServesAllSteps) {
  constexpr int64_t kUnits = 40, kBatch = 100, kSteps = 3;
  layers::SimpleRNN rnn(kUnits, {.activation = nullptr,
                                 .use_bias = false,
                                 .kernel_initializer = "identity",
                                 .recurrent_initializer = "zeros",
                                 .dropout = 0.25,
                                 .return_sequences = true,
                                 .seed = 3});
  const Tensor x = ops::ones({kBatch, kSteps, kUnits});
  EXPECT_TRUE(close(rnn(x), x));
  const Tensor y = rnn(x, training());
  const auto found = shares(y);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found.at(0), 0.25, 0.03);
  EXPECT_NEAR(found.at(1.3333), 0.75, 0.03);
  EXPECT_TRUE(close(y[{all, 0}], y[{all, 2}], {0, 0}));
  EXPECT_FALSE(close(rnn(x, training()), y, {0, 0})) << "a second call draws another mask";
}

TEST(RecurrentDropout, OneMaskOfTheStatesServesAllSteps) {
  constexpr int64_t kUnits = 40, kBatch = 100;
  layers::SimpleRNN rnn(kUnits, {.activation = nullptr,
                                 .kernel_initializer = "zeros",
                                 .recurrent_initializer = "identity",
                                 .recurrent_dropout = 0.5,
                                 .return_sequences = true,
                                 .seed = 3});
  CallArgs args = training();
  args.initial_state = Nest(std::vector<Nest>{ops::ones({kBatch, kUnits})});
  const auto found = shares(rnn(ops::ones({kBatch, 3, 2}), args)[{all, 2}]);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found.at(8), 0.5, 0.03);  // twice the state, three times
}

// With linear activations and states of ones, gates are their masks (0 or 2): the values and their shares
// show that every gate has a mask of its own.
TEST(RecurrentDropout, GatesHaveMasksOfTheirOwn) {
  constexpr int64_t kUnits = 50, kBatch = 400;
  const auto side_by_side = [](const Shape& shape, DType dtype) {
    std::vector<Tensor> parts(static_cast<size_t>(shape[1].value() / shape[0].value()),
                              ops::eye(shape[0].value(), {}, 0, dtype));
    return ops::concatenate(parts, 1);
  };
  const Tensor x = ops::zeros({kBatch, 1, 2}), ones = ops::ones({kBatch, kUnits});
  CallArgs args = training();
  args.initial_state = Nest(std::vector<Nest>{ones, ones});
  LSTM lstm(kUnits, {.activation = "linear",
                     .recurrent_activation = "linear",
                     .use_bias = false,
                     .recurrent_initializer = side_by_side,
                     .recurrent_dropout = 0.5,
                     .seed = 3});
  auto found = shares(lstm(x, args));
  ASSERT_EQ(found.size(), 4u);
  EXPECT_NEAR(found.at(0), 0.6875, 0.02);
  EXPECT_NEAR(found.at(4), 0.1875, 0.02);
  EXPECT_NEAR(found.at(8), 0.0625, 0.02);
  EXPECT_NEAR(found.at(12), 0.0625, 0.02);

  args.initial_state = Nest(std::vector<Nest>{ones});
  for (const bool after : {true, false}) {
    GRU gru(kUnits, {.activation = "linear",
                     .recurrent_activation = "linear",
                     .use_bias = false,
                     .recurrent_initializer = side_by_side,
                     .recurrent_dropout = 0.5,
                     .seed = 3,
                     .reset_after = after});
    found = shares(gru(x, args));
    ASSERT_EQ(found.size(), 4u) << after;
    EXPECT_NEAR(found.at(0), 0.375, 0.02);
    EXPECT_NEAR(found.at(4), 0.125, 0.02);
    EXPECT_NEAR(found.at(2), 0.375, 0.02);
    EXPECT_NEAR(found.at(-2), 0.125, 0.02);
  }
}

TEST(RecurrentDropout, ACellByItselfKeepsItsMaskUntilItIsReset) {
  layers::SimpleRNNCell cell(20, {.activation = "linear",
                                  .use_bias = false,
                                  .kernel_initializer = "identity",
                                  .recurrent_initializer = "zeros",
                                  .dropout = 0.5});
  const Nest given{ops::ones({5, 20}), Nest(std::vector<Nest>{ops::zeros({5, 20})})};
  const Tensor first = cell(given, training())[0].tensor();
  EXPECT_TRUE(close(cell(given, training())[0].tensor(), first, {0, 0}));
  cell.reset_dropout_mask();
  EXPECT_FALSE(close(cell(given, training())[0].tensor(), first, {0, 0}));
}

}  // namespace
}  // namespace keras
