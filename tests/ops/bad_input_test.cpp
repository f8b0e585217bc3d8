// SPDX-License-Identifier: Apache-2.0
// Wrong use of ops: shapes and dtypes.
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
Tensor words() { return Tensor::strings({"a", "b"}, {2}); }
Tensor complex_numbers() { return ops::cast(ops::ones({2}), "complex64"); }

class OpsRefuse : public ::testing::TestWithParam<Refusal> {};
TEST_P(OpsRefuse, WrongUse) { EXPECT_TRUE(refused(GetParam())); }

const Cases kShapes = {
    {"matmul",
     [] {
       ops::matmul(ones({2, 3}), ones({4, 5}));
     },
     kValue,
     {"matmul", "(2, 3)", "(4, 5)"}},
    {"matmul_of_scalars", [] { ops::matmul(Tensor(2.0), ones({3})); }, kValue, {"matmul"}},
    {"concatenate",
     [] {
       ops::concatenate({ones({2, 3}), ones({3, 3})}, 1);
     },
     kValue,
     {"concatenate", "(2, 3)", "(3, 3)"}},
    {"concatenate_nothing", [] { ops::concatenate({}, 0); }, kValue, {"concatenate"}},
    {"concatenate_axis",
     [] {
       ops::concatenate({ones({2}), ones({2})}, 3);
     },
     kValue,
     {"concatenate", "3"}},
    {"stack",
     [] {
       ops::stack({ones({2}), ones({3})});
     },
     kValue,
     {"stack", "(2,)", "(3,)"}},
    {"reshape",
     [] {
       ops::reshape(ones({2, 3}), {4, 2});
     },
     kValue,
     {"reshape", "(2, 3)", "[4, 2]"}},
    {"reshape_two_open",
     [] {
       ops::reshape(ones({2, 3}), {-1, -1});
     },
     kValue,
     {"reshape", "-1"}},
    {"reshape_negative",
     [] {
       ops::reshape(ones({2, 3}), {-2, 3});
     },
     kValue,
     {"reshape", "-2"}},
    {"broadcast",
     [] {
       ones({2, 3}) + ones({2, 4});
     },
     kValue,
     {"add", "(2, 3)", "(2, 4)"}},
    {"broadcast_to",
     [] {
       ops::broadcast_to(ones({2, 3}), {2, 4});
     },
     kValue,
     {"broadcast_to", "(2, 3)", "(2, 4)"}},
    {"transpose",
     [] {
       ops::transpose(ones({2, 3}), {0, 0});
     },
     kValue,
     {"transpose"}},
    {"squeeze",
     [] {
       ops::squeeze(ones({2, 3}), 0);
     },
     kValue,
     {"squeeze", "(2, 3)"}},
    {"axis",
     [] {
       ops::sum(ones({2, 3}), 2);
     },
     kValue,
     {"sum", "2"}},
    {"index",
     [] {
       ones({2, 3})[5];
     },
     kValue,
     {"5", "2"}},
    {"index_too_many",
     [] {
       ones({2})[{0, 0}];
     },
     kValue,
     {"(2,)"}},
    {"at",
     [] {
       (void)ones({2, 3}).at<float>({2, 0});
     },
     kValue,
     {"2"}},
    {"item", [] { (void)ones({2}).item<float>(); }, kValue, {"(2,)"}},
    {"split", [] { ops::split(ones({5}), 2); }, kValue, {"split", "5", "2"}},
    {"rows_of_different_lengths",
     [] {
       Tensor t = {{1, 2}, {3}};
     },
     kValue,
     {"2", "1"}},
    {"from_count",
     [] {
       Tensor::from(std::vector<float>{1, 2, 3}, {2, 2});
     },
     kValue,
     {"3", "(2, 2)"}},
    {"negative_dimension", [] { ops::zeros({-1}); }, kValue, {"-1"}},
    {"overflow",
     [] {
       ops::zeros({int64_t{1} << 40, int64_t{1} << 40});
     },
     kValue,
     {"1099511627776"}},
    {"overflow_in_bytes", [] { ops::zeros({int64_t{1} << 62}); }, kValue, {"4611686018427387904"}},
    {"tile_overflow", [] { ops::tile(ones({2}), int64_t{1} << 62); }, kValue, {"64 bits"}},
    {"repeat_negative", [] { ops::repeat(ones({2}), -1); }, kValue, {"repeat", "-1"}},
    {"one_hot_negative",
     [] {
       ops::one_hot(Tensor{0, 1}, -3);
     },
     kValue,
     {"one_hot", "-3"}},
    {"eye_negative", [] { ops::eye(-2); }, kValue, {"-2"}},
    {"linspace_negative", [] { ops::linspace(0.0, 1.0, -1); }, kValue, {"linspace", "-1"}},
    {"arange_step_0", [] { ops::arange(0, 3, 0); }, kValue, {"arange", "step"}},
    {"pad_negative",
     [] {
       ops::pad(ones({2}), {{-1, 0}});
     },
     kValue,
     {"pad", "-1"}},
    {"pad_count",
     [] {
       ops::pad(ones({2}), {{1, 0}, {1, 1}});
     },
     kValue,
     {"pad", "2"}},
    {"take",
     [] {
       ops::take(ones({2, 3}), Tensor{5}, 0);
     },
     kValue,
     {"[gather]", "index 5", "(2, 3)"}},
    {"einsum_symbols",
     [] {
       ops::einsum("ij,jk->il", {ones({2, 3}), ones({3, 4})});
     },
     kValue,
     {"einsum", "l"}},
    {"einsum_rank",
     [] {
       ops::einsum("ijk->i", {ones({2, 3})});
     },
     kValue,
     {"einsum", "(2, 3)"}},
    {"einsum_count",
     [] {
       ops::einsum("ij,jk->ik", {ones({2, 3})});
     },
     kValue,
     {"einsum", "2", "1"}},
    {"einsum_sizes",
     [] {
       ops::einsum("ij,jk->ik", {ones({2, 3}), ones({4, 5})});
     },
     kValue,
     {"einsum", "j", "3", "4"}},
    {"einsum_text",
     [] {
       ops::einsum("i$,jk->ik", {ones({2, 3}), ones({4, 5})});
     },
     kValue,
     {"einsum", "$"}},
    {"conv_too_small",
     [] {
       ops::conv(ones({1, 2, 2, 1}), ones({3, 3, 1, 1}));
     },
     kValue,
     {"conv", "(1, 2, 2, 1)", "(3, 3, 1, 1)"}},
    {"conv_channels",
     [] {
       ops::conv(ones({1, 8, 8, 3}), ones({3, 3, 2, 4}));
     },
     kValue,
     {"conv", "3", "2"}},
    {"conv_strides",
     [] {
       ops::conv(ones({1, 8, 8, 1}), ones({3, 3, 1, 4}), 0);
     },
     kValue,
     {"conv", "strides", "0"}},
    {"pool_too_large",
     [] {
       ops::max_pool(ones({1, 2, 2, 1}), 3);
     },
     kValue,
     {"pool", "3", "2"}},
    {"pool_of_0",
     [] {
       ops::max_pool(ones({1, 2, 2, 1}), 0);
     },
     kValue,
     {"pool", "0"}},
    {"solve_not_square",
     [] {
       ops::solve(ones({2, 3}), ones({2}));
     },
     kValue,
     {"solve", "(2, 3)"}},
    {"cholesky_of_an_indefinite_matrix",
     [] {
       ops::cholesky(Tensor{{0., 1.}, {1., 0.}});
     },
     kValue,
     {"cholesky"}},
    {"undefined", [] { ops::exp(Tensor()); }, kValue, {"undefined"}},
    {"undefined_shape", [] { (void)Tensor().shape(); }, kValue, {"undefined"}},
    {"empty_reduction", [] { ops::max(ops::zeros({0})); }, kValue, {"max"}},
    {"empty_argmax", [] { ops::argmax(ops::zeros({0})); }, kValue, {"argmax"}},
    {"random_shape",
     [] {
       random::uniform({-2, 3});
     },
     kValue,
     {"-2"}},
    {"top_k", [] { ops::top_k(ones({3}), 5); }, kValue, {"top_k", "5", "3"}},
};
INSTANTIATE_TEST_SUITE_P(Shapes, OpsRefuse, ::testing::ValuesIn(kShapes), refusal_name);

const Cases kDtypes = {
    {"unknown_dtype", [] { ops::zeros({2}, "flaot32"); }, kValue, {"flaot32", "did you mean 'float32'"}},
    {"unknown_policy",
     [] { layers::Dense(1, {.dtype = "mixed_flaot16"}); },
     kValue,
     {"mixed_flaot16", "did you mean 'mixed_float16'"}},
    {"unknown_floatx", [] { config::set_floatx("float23"); }, kValue, {"float23", "did you mean 'float32'"}},
    {"sum_of_words", [] { ops::sum(words()); }, kType, {"sum", "string"}},
    {"add_words", [] { words() + 1; }, kType, {"string"}},
    {"exp_of_words", [] { ops::exp(words()); }, kType, {"string"}},
    {"cast_words", [] { ops::cast(words(), "float32"); }, kType, {"cast", "string"}},
    {"dense_on_words",
     [] {
       layers::Dense(2, {.name = "my_dense"})(Tensor::strings({"a", "b"}, {1, 2}));
     },
     kType,
     {"my_dense", "string"}},
    {"order_of_complex",
     [] { ops::maximum(complex_numbers(), complex_numbers()); },
     kType,
     {"maximum", "complex64"}},
    {"scatter_update_scalar_indices",
     [] { ops::scatter_update(ones({3}), Tensor::from(std::vector<int32_t>{1}, {}), ones({1})); },
     kValue,
     {"scatter_update", "rank 1", "a scalar"}},
    {"less_of_complex",
     [] { static_cast<void>(complex_numbers() < complex_numbers()); },
     kType,
     {"compare", "complex64"}},
    {"relu_of_complex", [] { ops::relu(complex_numbers()); }, kType, {"relu", "complex64"}},
    {"bits_of_floats", [] { ops::bitwise_and(ones({2}), ones({2})); }, kType, {"bit_and", "float32"}},
    {"data_of_another_type", [] { (void)ones({2}).data<int32_t>(); }, kType, {"float32", "int32"}},
    {"words_as_numbers", [] { (void)words().host_data(); }, kType, {"string"}},
    {"numbers_as_words", [] { (void)ones({2}).to_strings(); }, kType, {"float32"}},
    {"take_by_floats", [] { ops::take(ones({2}), ones({1}), 0); }, kType, {"take", "float32"}},
    {"watch_integers",
     [] {
       GradientTape tape;
       tape.watch(Tensor{1, 2});
     },
     kType,
     {"int32"}},
    {"lstm_in_int",
     [] {
       layers::LSTM(2, {.dtype = "int32"})(ops::ones({1, 2, 3}, "int32"));
     },
     kType,
     {"int32"}},
    {"embedding_of_floats_nan", [] { layers::Embedding(3, 2)(Tensor{kNan}); }, kValue, {"Embedding"}},
};
INSTANTIATE_TEST_SUITE_P(Dtypes, OpsRefuse, ::testing::ValuesIn(kDtypes), refusal_name);

}  // namespace
}  // namespace keras
