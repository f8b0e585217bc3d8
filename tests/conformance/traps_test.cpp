// SPDX-License-Identifier: Apache-2.0
// Where frameworks differ from Keras: each case was a wrong number in some backend once, or would be one.
// Expected values are worked out by hand.
#include "conformance/conformance.h"
#include "keras/keras.h"

namespace keras::internal {
namespace {

using Floats = std::vector<float>;

void expect_values(const Tensor& got, const Floats& wanted, const std::string& what) {
  const auto values = got.to_vector<float>();
  ASSERT_EQ(values.size(), wanted.size()) << what;
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(values[i], wanted[i], 1e-5 + 1e-5 * std::abs(wanted[i])) << what << ", element " << i;
  }
}

class Traps : public Conformance {};

// LibTorch keeps the unbiased variance as running_var, Keras the biased one.
TEST_F(Traps, MovingStatisticsTakeTheBiasedVariance) {
  layers::BatchNormalization layer({.momentum = 0.5, .epsilon = 0.0});
  const Tensor x = Tensor::from(Floats{1, 10, 3, 10, 2, 40, 2, 20}, {4, 2});
  CallArgs training;
  training.training = true;
  const Tensor y = layer(x, training);
  // gamma, beta, moving mean, moving variance; biased variances 0.5 and 150, unbiased ones 2/3 and 200
  const auto weights = layer.get_weights();
  expect_values(weights[2], {1, 10}, "moving mean");
  expect_values(weights[3], {0.75f, 75.5f}, "moving variance");
  expect_values(ops::var(y, 0), {1, 1}, "normalized by the biased variance");
}

TEST_F(Traps, SamePaddingPutsTheOddElementLast) {
  const Tensor x = Tensor::from(Floats{1, 2, 3, 4}, {1, 4, 1});
  const Tensor kernel = Tensor::from(Floats{1, 10, 100}, {3, 1, 1});
  GradientTape tape({.persistent = true});
  tape.watch(x);
  tape.watch(kernel);
  const Tensor y = ops::conv(x, kernel, 2, "same");
  expect_values(y, {321, 43}, "conv");
  expect_values(tape.gradient(y, x), {1, 10, 101, 10}, "dx");
  expect_values(tape.gradient(y, kernel), {4, 6, 3}, "dkernel");
  // Over two axes, one of which needs no padding.
  const Tensor image = Tensor::from(Floats{1, 2, 3, 4, 5, 6}, {1, 2, 3, 1});
  const Tensor square = Tensor::from(Floats{1, 10, 100, 1000}, {2, 2, 1, 1});
  expect_values(ops::conv(image, square, 1, "same"), {5421, 6532, 603, 54, 65, 6}, "conv over two axes");
}

TEST_F(Traps, TransposedConvolutionCropsTheOddElementLast) {
  const Tensor x = Tensor::from(Floats{1, 2}, {1, 2, 1});
  const Tensor kernel = Tensor::from(Floats{1, 10, 100}, {3, 1, 1});
  expect_values(ops::conv_transpose(x, kernel, 2, "same"), {1, 10, 102, 20}, "conv_transpose");
}

TEST_F(Traps, SameAveragePoolingLeavesPaddingOut) {
  const Tensor x = Tensor::from(Floats{1, 2, 3, 5}, {1, 4, 1});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = ops::average_pool(x, 3, 2, "same");
  expect_values(y, {2, 4}, "average");
  expect_values(tape.gradient(y, x), {1.f / 3, 1.f / 3, 5.f / 6, 0.5f}, "dx");
  const Tensor image = Tensor::from(Floats{1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 3, 3, 1});
  expect_values(ops::average_pool(image, 2, 2, "same"), {3, 4.5f, 7.5f, 9}, "average over two axes");
}

TEST_F(Traps, SameMaxPoolingPadsWithNothing) {
  const Tensor x = Tensor::from(Floats{-4, -2, -3}, {1, 3, 1});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = ops::max_pool(x, 2, 2, "same");
  expect_values(y, {-2, -3}, "largest of negative numbers");
  expect_values(tape.gradient(y, x), {0, 1, 1}, "dx");
}

RecurrentAttributes gates() {
  auto at = make_attributes<RecurrentAttributes>();
  at.activation = KERAS_ACT_TANH;
  at.recurrent_activation = KERAS_ACT_SIGMOID;
  return at;
}

// One unit; every gate is driven through its own column of the kernel, so that another order shows.
TEST_F(Traps, GruGatesAreUpdateResetCandidate) {
  const Tensor x = Tensor::from(Floats{1}, {1, 1, 1});
  const Tensor h = Tensor::from(Floats{0.5f}, {1, 1});
  const auto state = [&](const Floats& kernel, const Floats& recurrent, const Floats& bias,
                         bool reset_after) {
    auto at = gates();
    at.reset_after = reset_after ? 1 : 0;
    const Tensor b = Tensor::from(bias, reset_after ? Shape{2, 3} : Shape{3});
    const std::vector<Tensor> operands{x, h, Tensor::from(kernel, {1, 3}), Tensor::from(recurrent, {1, 3}),
                                       b};
    return apply(OpId::gru_op, &at, operands)[1].item<float>();
  };
  const Floats none{0, 0, 0}, none_twice(6, 0.f);
  const auto tanh = [](double v) { return static_cast<float>(std::tanh(v)); };
  for (const bool after : {false, true}) {
    const Floats& bias = after ? none_twice : none;
    EXPECT_NEAR(state({30, 0, 0}, none, bias, after), 0.5f, 1e-6) << "z = 1 keeps the state";
    EXPECT_NEAR(state({-30, -30, 0.3f}, {0, 0, 9}, bias, after), tanh(0.3), 1e-6) << "r = 0 forgets it";
    EXPECT_NEAR(state({-30, 30, 0.3f}, {0, 0, 0.8f}, bias, after), tanh(0.3 + 0.4), 1e-6) << "r = 1 reads it";
  }
  // With the reset gate after the product, its bias is reset too; before it there is only one bias.
  EXPECT_NEAR(state({-30, -30, 0}, none, {0, 0, 0.2f, 0, 0, 7}, true), tanh(0.2), 1e-6);
  EXPECT_NEAR(state({-30, 30, 0}, none, {0, 0, 0.2f, 0, 0, 0.5f}, true), tanh(0.7), 1e-6);
}

TEST_F(Traps, LstmHasOneBiasAndGatesInputForgetCandidateOutput) {
  const auto at = gates();
  const Tensor x = Tensor::from(Floats{1}, {1, 1, 1});
  const Tensor h = Tensor::from(Floats{0}, {1, 1});
  const Tensor c = Tensor::from(Floats{0.5f}, {1, 1});
  const Tensor zeros = Tensor::from(Floats{0, 0, 0, 0}, {1, 4});
  const auto run_with = [&](const Tensor& bias) {
    const std::vector<Tensor> operands{x, h, c, zeros, zeros, bias};
    return apply(OpId::lstm_op, &at, operands);
  };
  const double candidate = std::tanh(0.7);
  const auto opened = run_with(Tensor::from(Floats{30, -30, 0.7f, 30}));
  EXPECT_NEAR(opened[2].item<float>(), candidate, 1e-6) << "i = 1, f = 0; a second bias would give tanh(1.4)";
  EXPECT_NEAR(opened[1].item<float>(), std::tanh(candidate), 1e-6);
  const auto kept = run_with(Tensor::from(Floats{-30, 30, 0.7f, -30}));
  EXPECT_NEAR(kept[2].item<float>(), 0.5, 1e-6) << "i = 0, f = 1";
  EXPECT_NEAR(kept[1].item<float>(), 0, 1e-6) << "o = 0";
  // Its gradient counts once.
  const Tensor bias = Tensor::from(Floats{30, -30, 0.7f, 30});
  GradientTape tape;
  tape.watch(bias);
  const Tensor dbias = tape.gradient(run_with(bias)[2], bias);
  EXPECT_NEAR(dbias.at<float>({2}), 1 - candidate * candidate, 1e-5);
}

TEST_F(Traps, TiesGoToTheFirstAndRoundingToEven) {
  const Tensor x = Tensor::from(Floats{2, 7, 7, 1});
  EXPECT_EQ(ops::argmax(x).item<int>(), 1);
  EXPECT_EQ(ops::argmin(Tensor::from(Floats{3, 1, 1})).item<int>(), 1);
  expect_values(ops::round(Tensor::from(Floats{0.5f, 1.5f, 2.5f, -0.5f, -1.5f})), {0, 2, 2, 0, -2}, "round");
  const auto [values, indices] = ops::top_k(x, 2);
  EXPECT_EQ(indices.to_vector<int>(), (std::vector<int>{1, 2})) << "ties by the lower index";
  GradientTape tape;
  tape.watch(x);
  const Tensor largest = ops::max(x);
  expect_values(tape.gradient(largest, x), {0, 0.5f, 0.5f, 0}, "ties share the gradient");
}

TEST_F(Traps, NotANumberIsSeen) {
  const float nan = std::nanf("");
  const Tensor x = Tensor::from(Floats{1, nan, -2});
  EXPECT_TRUE(std::isnan(ops::sign(x).at<float>({1})));
  EXPECT_TRUE(std::isnan(ops::max(x).item<float>()));
  EXPECT_TRUE(std::isnan(ops::maximum(x, 0.f).at<float>({1})));
  EXPECT_TRUE(std::isnan(ops::relu(x).at<float>({1})));
  const auto sorted = ops::sort(x).to_vector<float>();
  EXPECT_TRUE(std::isnan(sorted[2])) << "sorted last";
}

TEST_F(Traps, IntegersDivideTowardsZeroAndByZeroGiveZero) {
  const auto none = make_attributes<NoAttributes>();
  const std::vector<Tensor> operands{Tensor::from(std::vector<int32_t>{7, -7, 5, -6}),
                                     Tensor::from(std::vector<int32_t>{2, 2, 0, 3})};
  EXPECT_EQ(apply(OpId::div_op, &none, operands)[0].to_vector<int>(), (std::vector<int>{3, -3, 0, -2}));
}

TEST_F(Traps, FloatsOutsideTheIntegersBecomeTheNearest) {
  const Tensor x = Tensor::from(Floats{300, -300, 1.9f, -1.9f});
  EXPECT_EQ(ops::cast(x, "int8").to_vector<int>(), (std::vector<int>{127, -128, 1, -1}));
}

TEST_F(Traps, AnIndexOutsideItsAxisIsAnError) {
  const Tensor x = Tensor::from(Floats{1, 2, 3});
  for (const int wrong : {3, -1}) {
    auto at = make_attributes<GatherAttributes>();
    const std::vector<Tensor> operands{x, Tensor::from(std::vector<int32_t>{0, wrong})};
    EXPECT_THROW(apply(OpId::gather_op, &at, operands)[0].host_data(), ValueError) << wrong;
  }
  const auto none = make_attributes<NoAttributes>();
  const std::vector<Tensor> operands{ramp({2, 3}), Tensor::from(std::vector<int32_t>{0, 3})};
  EXPECT_THROW(apply(OpId::softmax_cross_entropy_op, &none, operands)[0].host_data(), ValueError);
}

// The mask is made of the random words of the state, so it is the same to the bit everywhere.
TEST_F(Traps, DropoutMasksAreThoseOfTheRandomWords) {
  auto at = make_attributes<DropoutAttributes>();
  at.rate = 0.3;
  at.noise_shape = to_list({64, 33});
  const std::vector<Tensor> operands{Tensor::from(Floats(64 * 33, 1.f), {64, 33}),
                                     Tensor::from(std::vector<uint32_t>{99, 5})};
  auto bits = make_attributes<RandomBitsAttributes>();
  bits.dtype = static_cast<int64_t>(DType::uint32);
  bits.shape = to_list({64, 33});
  const auto words =
      apply(OpId::random_bits_op, &bits, std::vector<Tensor>{operands[1]})[0].to_vector<int64_t>();
  const auto kept = apply(OpId::dropout_op, &at, operands)[0].to_vector<float>();
  const auto bound = static_cast<int64_t>(std::floor(std::ldexp(0.3, 32)));
  for (size_t i = 0; i < kept.size(); ++i) {
    ASSERT_EQ(kept[i] != 0, words[i] >= bound) << "element " << i;
    EXPECT_FLOAT_EQ(kept[i], kept[i] != 0 ? static_cast<float>(1 / 0.7) : 0.f);
  }
}

// A permuted or sliced tensor leaves the backend dense and row-major.
TEST_F(Traps, ViewsComeOutDense) {
  const Tensor x = Tensor::from(Floats{1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(ops::transpose(x).to_vector<float>(), (Floats{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(ops::broadcast_to(Tensor::from(Floats{7, 8}, {2, 1}), {2, 2}).to_vector<float>(),
            (Floats{7, 7, 8, 8}));
  EXPECT_EQ(ops::reshape(ops::transpose(x), {2, 3}).to_vector<float>(), (Floats{1, 4, 2, 5, 3, 6}));
}

}  // namespace
}  // namespace keras::internal
