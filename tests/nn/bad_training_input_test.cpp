// SPDX-License-Identifier: Apache-2.0
// Wrong use of losses, metrics, optimizers and gradients.
#include <limits>

#include "keras/keras.h"
#include "keras/tensor/config.h"
#include "refusal.h"

namespace keras {
namespace {

using Cases = std::vector<Refusal>;
constexpr auto kValue = Refused::value;
constexpr auto kType = Refused::type;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor ones(const Shape& shape) { return ops::ones(shape); }

class TrainingRefuses : public ::testing::TestWithParam<Refusal> {};
TEST_P(TrainingRefuses, WrongUse) { EXPECT_TRUE(refused(GetParam())); }

const Cases kLosses = {
    {"label_too_large",
     [] {
       losses::SparseCategoricalCrossentropy()(Tensor{0, 3}, Tensor{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}});
     },
     kValue,
     {"3"}},
    {"label_negative",
     [] {
       losses::SparseCategoricalCrossentropy()(Tensor{0, -1}, Tensor{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}});
     },
     kValue,
     {"-1"}},
    {"label_too_large_logits",
     [] {
       losses::SparseCategoricalCrossentropy({.from_logits = true})(Tensor{0, 7},
                                                                    Tensor{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}});
     },
     kValue,
     {"7"}},
    {"label_nan",
     [] {
       losses::SparseCategoricalCrossentropy()(Tensor{0., kNan}, Tensor{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}});
     },
     kValue,
     {"label"}},
    {"sparse_shape",
     [] {
       losses::SparseCategoricalCrossentropy()(ops::zeros({3, 2}, "int32"), ones({3, 5}));
     },
     kValue,
     {"(3, 2)", "(3, 5)"}},
    {"categorical_shape",
     [] {
       losses::CategoricalCrossentropy()(ones({3, 4}), ones({3, 5}));
     },
     kValue,
     {"(3, 4)", "(3, 5)"}},
    {"mse_shape",
     [] {
       losses::MeanSquaredError()(ones({3, 4}), ones({3, 5}));
     },
     kValue,
     {"mean_squared_error", "(3, 4)", "(3, 5)"}},
    {"mse_weight",
     [] {
       losses::MeanSquaredError()(ones({3, 4}), ones({3, 4}), ones({5}));
     },
     kValue,
     {"mean_squared_error", "(3, 4)", "(5,)"}},
    {"metric_weight",
     [] {
       metrics::MeanSquaredError().update_state(ones({3, 4}), ones({3, 4}), ones({5}));
     },
     kValue,
     {"(5,)"}},
    {"metric_shape",
     [] {
       metrics::CategoricalAccuracy().update_state(ones({3, 4}), ones({5, 4}));
     },
     kValue,
     {"categorical_accuracy", "(3, 4)", "(5, 4)"}},
    {"auc_thresholds", [] { metrics::AUC({.num_thresholds = 1}); }, kValue, {"AUC", "num_thresholds", "1"}},
    {"precision_thresholds",
     [] { metrics::Precision({.thresholds = {1.5}}); },
     kValue,
     {"Precision", "Thresholds", "1.5"}},
    {"l2", [] { regularizers::L2(-0.1); }, kValue, {"L2", "-0.1"}},
    {"l2_infinite",
     [] { const regularizers::L2 penalty(std::numeric_limits<double>::infinity()); },
     kValue,
     {"L2", "inf"}},
    {"variance_scale",
     [] { initializers::VarianceScaling({.scale = 0}); },
     kValue,
     {"VarianceScaling", "scale", "0"}},
    {"identity_initializer",
     [] {
       initializers::Identity()({2, 2, 2}, DType::float32);
     },
     kValue,
     {"Identity", "(2, 2, 2)"}},
    {"orthogonal_initializer",
     [] { initializers::Orthogonal()({2}, DType::float32); },
     kValue,
     {"Orthogonal", "(2,)"}},
};
INSTANTIATE_TEST_SUITE_P(Losses, TrainingRefuses, ::testing::ValuesIn(kLosses), refusal_name);

Variable variable(double value) { return Variable(Tensor{value}, "v"); }

const Cases kOptimizers = {
    {"other_variables",
     [] {
       optimizers::SGD sgd(0.1);
       sgd.build({variable(1)});
       sgd.apply({ones({1})}, {variable(2)});
     },
     kValue,
     {"sgd", "built with", "Received: v"}},
    {"other_count",
     [] {
       optimizers::SGD sgd(0.1);
       sgd.build({variable(1)});
       sgd.apply({ones({1}), ones({1})});
     },
     kValue,
     {"2", "1"}},
    {"other_shape",
     [] {
       optimizers::SGD sgd(0.1);
       sgd.apply({ones({3})}, {variable(1)});
     },
     kValue,
     {"v", "(3,)", "(1,)"}},
    {"no_gradients",
     [] {
       optimizers::SGD sgd(0.1);
       sgd.apply({Tensor()}, {variable(1)});
     },
     kValue,
     {"gradient", "v"}},
    {"learning_rate_of_schedule",
     [] {
       optimizers::SGD sgd(optimizers::schedules::ExponentialDecay(0.1, 10, 0.5));
       sgd.set_learning_rate(1);
     },
     kValue,
     {"schedule"}},
    {"boundaries",
     [] {
       optimizers::schedules::PiecewiseConstantDecay({.boundaries = {1, 2}, .values = {0.1, 0.2}});
     },
     kValue,
     {"PiecewiseConstantDecay", "2"}},
    {"boundaries_order",
     [] {
       optimizers::schedules::PiecewiseConstantDecay({.boundaries = {3, 2}, .values = {0.1, 0.2, 0.3}});
     },
     kValue,
     {"PiecewiseConstantDecay", "boundaries", "3"}},
    {"decay_steps",
     [] { optimizers::schedules::CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 0}); },
     kValue,
     {"CosineDecay", "decay_steps", "0"}},
    {"clips", [] { optimizers::SGD({.clipnorm = 1, .clipvalue = 1}); }, kValue, {"clipnorm", "clipvalue"}},
    {"clip_negative", [] { optimizers::SGD({.clipnorm = -1}); }, kValue, {"clipnorm", "-1"}},
    {"momentum", [] { optimizers::SGD({.momentum = 2}); }, kValue, {"SGD", "momentum", "2"}},
    {"ema_momentum",
     [] { optimizers::SGD({.use_ema = true, .ema_momentum = 2}); },
     kValue,
     {"ema_momentum", "2"}},
    {"accumulation",
     [] { optimizers::SGD({.gradient_accumulation_steps = 1}); },
     kValue,
     {"gradient_accumulation_steps", "1"}},
    {"tape_twice",
     [] {
       Tensor x = {1., 2.};
       GradientTape tape;
       tape.watch(x);
       Tensor y = ops::sum(x * x);
       tape.gradient(y, x);
       tape.gradient(y, x);
     },
     kValue,
     {"GradientTape", "persistent"}},
    {"gradient_of_nothing",
     [] {
       GradientTape tape;
       tape.gradient(Tensor(), ones({2}));
     },
     kValue,
     {"undefined"}},
    {"cotangent_shape",
     [] {
       Tensor x = {1., 2.};
       GradientTape tape;
       tape.watch(x);
       Tensor y = x * x;
       tape.gradient(y, x, {.output_gradients = ones({3})});
     },
     kValue,
     {"(3,)", "(2,)"}},
    {"cotangent_count",
     [] {
       Tensor x = {1., 2.};
       GradientTape tape;
       tape.watch(x);
       Tensor y = x * x;
       tape.gradient(y, x, {.output_gradients = Nest{ones({2}), ones({2})}});
     },
     kValue,
     {"2", "1"}},
    {"custom_gradient_count",
     [] {
       const auto f = custom_gradient([](const std::vector<Tensor>& in) {
         return std::pair<Tensor, CustomGradient>{in[0] * in[1],
                                                  [](const Tensor& up) { return std::vector<Tensor>{up}; }};
       });
       Tensor x = {1., 2.};
       GradientTape tape;
       tape.watch(x);
       tape.gradient(ops::sum(f({x, x})), x);
     },
     kValue,
     {"custom_gradient", "2", "1"}},
    {"custom_gradient_shape",
     [] {
       const auto f = custom_gradient([](const std::vector<Tensor>& in) {
         return std::pair<Tensor, CustomGradient>{
             in[0] * 2.0, [](const Tensor&) { return std::vector<Tensor>{ops::ones({3})}; }};
       });
       Tensor x = {1., 2.};
       GradientTape tape;
       tape.watch(x);
       tape.gradient(ops::sum(f({x})), x);
     },
     kValue,
     {"custom_gradient", "(3,)", "(2,)"}},
    {"read_symbol", [] { (void)Input({3}, {.name = "x"}).host_data(); }, kType, {"x"}},
    {"read_symbol_item", [] { (void)ops::sum(Input({3})).item<float>(); }, kType, {"KerasTensor"}},
    {"symbol_to_vector",
     [] { (void)Input({3}, {.batch_size = 2}).to_vector<float>(); },
     kType,
     {"KerasTensor"}},
    {"empty_slot", [] { (void)Variable().value(); }, kValue, {"build"}},
};
INSTANTIATE_TEST_SUITE_P(Training, TrainingRefuses, ::testing::ValuesIn(kOptimizers), refusal_name);

// Keras' rules where nothing is refused: they give no wrong numbers.
TEST(BadInput, GradientOfAnUnwatchedTensorIsNone) {
  const Tensor x = {1., 2.};
  GradientTape tape;
  EXPECT_FALSE(tape.gradient(ops::sum(x * x), x).defined());
}

}  // namespace
}  // namespace keras
