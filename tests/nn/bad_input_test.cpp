// SPDX-License-Identifier: Apache-2.0
// Wrong use of layers, configs and names.
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
Tensor words() { return Tensor::strings({"my_a", "b"}, {2}); }

class LayersRefuse : public ::testing::TestWithParam<Refusal> {};
TEST_P(LayersRefuse, WrongUse) { EXPECT_TRUE(refused(GetParam())); }

const Cases kNames = {
    {"optimizer",
     [] { Optimizer::from_name("adma"); },
     kValue,
     {"optimizer", "'adma'", "did you mean 'adam'"}},
    {"loss",
     [] { Loss::from_name("mean_sqared_error"); },
     kValue,
     {"loss", "did you mean 'mean_squared_error'"}},
    {"metric",
     [] { Metric::from_name("binary_acuracy"); },
     kValue,
     {"metric", "did you mean 'binary_accuracy'"}},
    {"activation",
     [] { layers::Dense(1, {.activation = "rleu"}); },
     kValue,
     {"activation", "did you mean 'relu'"}},
    {"initializer",
     [] { layers::Dense(1, {.kernel_initializer = "glorot_unifrom"}); },
     kValue,
     {"initializer", "did you mean 'glorot_uniform'"}},
    {"regularizer",
     [] { layers::Dense(1, {.kernel_regularizer = "l3"}); },
     kValue,
     {"regularizer", "did you mean 'l"}},
    {"constraint",
     [] { layers::Dense(1, {.kernel_constraint = "max_nrom"}); },
     kValue,
     {"constraint", "did you mean 'max_norm'"}},
    {"data_format",
     [] {
       layers::Conv2D(1, {3, 3}, {.data_format = "channels_lats"});
     },
     kValue,
     {"Conv2D", "did you mean 'channels_last'"}},
    {"padding",
     [] {
       layers::Conv2D(1, {3, 3}, {.padding = "smae"});
     },
     kValue,
     {"Conv2D", "did you mean 'same'"}},
    {"padding_of_op",
     [] {
       ops::conv(ones({1, 8, 8, 1}), ones({3, 3, 1, 1}), 1, "vald");
     },
     kValue,
     {"conv", "did you mean 'valid'"}},
    {"pool_padding",
     [] {
       layers::MaxPooling2D({2, 2}, {.padding = "causal"});
     },
     kValue,
     {"MaxPooling2D", "causal", "valid, same"}},
    {"interpolation",
     [] {
       ops::image::resize(ones({1, 4, 4, 1}), {2, 2}, "bilinaer");
     },
     kValue,
     {"resize", "did you mean 'bilinear'"}},
    {"upsampling",
     [] { layers::UpSampling2D(2, {.interpolation = "neares"}); },
     kValue,
     {"UpSampling2D", "did you mean 'nearest'"}},
    {"reduction",
     [] {
       (void)FieldCodec<ObjectRef<Loss>>::from_json(
           Json::parse(R"({"class_name": "MeanSquaredError", "config": {"reduction": "summ"}})", "t"), "t");
     },
     kValue,
     {"did you mean 'sum'"}},
    {"layer_class",
     [] {
       deserialize_layer(
           Json::parse(R"({"class_name": "Dens", "config": {}, "module": "keras.layers"})", "t"));
     },
     kValue,
     {"layer", "did you mean 'Dense'"}},
    {"config_key",
     [] {
       deserialize_layer(
           Json::parse(R"({"class_name": "Dense", "config": {"unist": 3}, "module": "keras.layers"})", "t"));
     },
     kValue,
     {"Dense", "unist", "did you mean 'units'"}},
    {"config_kind",
     [] {
       deserialize_layer(Json::parse(
           R"({"class_name": "Dense", "config": {"units": "three"}, "module": "keras.layers"})", "t"));
     },
     kType,
     {"Dense.units", "three"}},
    {"config_range",
     [] {
       deserialize_layer(Json::parse(
           R"({"class_name": "Dense", "config": {"units": 1e30}, "module": "keras.layers"})", "t"));
     },
     kType,
     {"Dense.units"}},
    {"config_null",
     [] {
       deserialize_layer(Json::parse(
           R"({"class_name": "Dense", "config": {"units": null}, "module": "keras.layers"})", "t"));
     },
     kType,
     {"Dense.units", "null"}},
    {"config_lacks",
     [] {
       deserialize_layer(
           Json::parse(R"({"class_name": "Dense", "config": {}, "module": "keras.layers"})", "t"));
     },
     kValue,
     {"Dense", "units"}},
    {"no_envelope",
     [] { deserialize_layer(Json::parse(R"({"name": "Dense"})", "t")); },
     kValue,
     {"class_name", "config"}},
    {"envelope_kind", [] { deserialize_layer(Json::parse("[1, 2]", "t")); }, kType, {"[1"}},
    {"json", [] { Json::parse(R"({"a": )", "some.json"); }, kValue, {"some.json"}},
    {"json_key", [] { (void)Json::parse(R"({"units": 1})", "t")["unit"]; }, kValue, {"did you mean 'units'"}},
    {"merge_mode",
     [] { layers::Bidirectional(layers::LSTM(2), {.merge_mode = "cancat"}); },
     kValue,
     {"did you mean 'concat'"}},
    {"pad_mode",
     [] {
       ops::pad(ones({3}), {{1, 1}}, "reflct");
     },
     kValue,
     {"pad", "did you mean 'reflect'"}},
    {"meshgrid", [] { ops::meshgrid({ones({2})}, "yx"); }, kValue, {"meshgrid", "xy, ij"}},
};
INSTANTIATE_TEST_SUITE_P(Names, LayersRefuse, ::testing::ValuesIn(kNames), refusal_name);

const Cases kLayers = {
    {"dense_units_negative", [] { layers::Dense(-1); }, kValue, {"Dense", "units", "-1"}},
    {"dense_units_0", [] { layers::Dense(0); }, kValue, {"Dense", "units", "0"}},
    {"dense_scalar", [] { layers::Dense(2)(Tensor(1.0)); }, kValue, {"dense", "()"}},
    {"dense_other_width",
     [] {
       layers::Dense d(2, {.name = "my_d"});
       d(ones({1, 3}));
       d(ones({1, 4}));
     },
     kValue,
     {"my_d", "(1, 4)", "3"}},
    {"dense_open_width",
     [] { layers::Dense(2, {.name = "my_d"})(Input({std::nullopt})); },
     kValue,
     {"my_d", "None"}},
    {"conv_filters",
     [] {
       layers::Conv2D(0, {3, 3});
     },
     kValue,
     {"Conv2D", "filters", "0"}},
    {"conv_kernel_0",
     [] {
       layers::Conv2D(1, {0, 3});
     },
     kValue,
     {"Conv2D", "kernel_size", "0"}},
    {"conv_kernel_rank",
     [] {
       layers::Conv2D(1, {3, 3, 3});
     },
     kValue,
     {"Conv2D", "kernel_size", "3"}},
    {"conv_stride_0",
     [] {
       layers::Conv2D(1, {3, 3}, {.strides = 0});
     },
     kValue,
     {"Conv2D", "strides", "0"}},
    {"conv_dilation_and_stride",
     [] {
       layers::Conv2D(1, {3, 3}, {.strides = 2, .dilation_rate = 2});
     },
     kValue,
     {"Conv2D", "strides", "dilation_rate"}},
    {"conv_groups",
     [] {
       layers::Conv2D(3, {3, 3}, {.groups = 2});
     },
     kValue,
     {"Conv2D", "groups", "2", "3"}},
    {"conv_group_channels",
     [] {
       layers::Conv2D(4, {3, 3}, {.groups = 2})(ones({1, 8, 8, 3}));
     },
     kValue,
     {"groups", "3", "2"}},
    {"conv_rank",
     [] {
       layers::Conv2D(4, {3, 3}, {.name = "my_c"})(ones({8, 8, 3}));
     },
     kValue,
     {"my_c", "(8, 8, 3)"}},
    {"conv_rank_again",
     [] {
       layers::Conv2D c(4, {3, 3}, {.name = "my_c"});
       c(ones({1, 8, 8, 3}));
       c(ones({8, 8, 3}));
     },
     kValue,
     {"my_c", "(8, 8, 3)"}},
    {"conv_channels_again",
     [] {
       layers::Conv2D c(4, {3, 3}, {.name = "my_c"});
       c(ones({1, 8, 8, 3}));
       c(ones({1, 8, 8, 1}));
     },
     kValue,
     {"my_c", "(1, 8, 8, 1)", "3"}},
    {"conv_too_small",
     [] {
       layers::Conv2D(4, {3, 3}, {.name = "my_c"})(ones({1, 2, 2, 3}));
     },
     kValue,
     {"my_c", "(1, 2, 2, 3)"}},
    {"pool_too_large",
     [] {
       layers::MaxPooling2D({3, 3}, {.name = "my_p"})(ones({1, 2, 2, 3}));
     },
     kValue,
     {"my_p", "(1, 2, 2, 3)"}},
    {"pool_rank",
     [] {
       layers::MaxPooling2D({3, 3}, {.name = "my_p"})(ones({1, 2, 2}));
     },
     kValue,
     {"my_p", "(1, 2, 2)"}},
    {"global_pool_rank",
     [] {
       layers::GlobalAveragePooling2D({.name = "my_p"})(ones({1, 2, 2}));
     },
     kValue,
     {"my_p", "(1, 2, 2)"}},
    {"cropping",
     [] {
       layers::Cropping2D(3, {.name = "my_c"})(ones({1, 4, 4, 1}));
     },
     kValue,
     {"my_c", "(1, 4, 4, 1)", "3"}},
    {"cropping_1d",
     [] {
       layers::Cropping1D({2, 3}, {.name = "my_c"})(ones({1, 4, 1}));
     },
     kValue,
     {"my_c", "(1, 4, 1)"}},
    {"cropping_negative", [] { layers::Cropping1D(-1); }, kValue, {"Cropping1D", "-1"}},
    {"zero_padding_negative", [] { layers::ZeroPadding2D(-1); }, kValue, {"ZeroPadding2D", "-1"}},
    {"dropout_rate", [] { layers::Dropout(1.5); }, kValue, {"Dropout", "rate", "1.5"}},
    {"dropout_nan", [] { layers::Dropout d(kNan); }, kValue, {"Dropout", "rate", "nan"}},
    {"spatial_dropout", [] { layers::SpatialDropout1D(-0.1); }, kValue, {"SpatialDropout1D", "rate", "-0.1"}},
    {"noise", [] { layers::GaussianNoise(-1.0); }, kValue, {"GaussianNoise", "stddev", "-1"}},
    {"embedding_sizes", [] { layers::Embedding(0, 3); }, kValue, {"Embedding", "input_dim", "0"}},
    {"embedding_width", [] { layers::Embedding(3, -3); }, kValue, {"Embedding", "output_dim", "-3"}},
    {"embedding_index",
     [] {
       layers::Embedding(3, 2, {.name = "my_e"})(Tensor{{0, 3}});
     },
     kValue,
     {"my_e", "index 3"}},
    {"embedding_negative_index",
     [] {
       layers::Embedding(3, 2, {.name = "my_e"})(Tensor{{0, -4}});
     },
     kValue,
     {"my_e", "index -1"}},
    {"reshape",
     [] {
       layers::Reshape({4, 2}, {.name = "my_r"})(ones({1, 6}));
     },
     kValue,
     {"my_r", "(1, 6)", "[4, 2]"}},
    {"permute",
     [] {
       layers::Permute({1, 1});
     },
     kValue,
     {"Permute", "1, 1"}},
    {"permute_rank",
     [] {
       layers::Permute({2, 1}, {.name = "my_p"})(ones({1, 2, 3, 4}));
     },
     kValue,
     {"my_p", "(1, 2, 3, 4)"}},
    {"repeat_vector",
     [] {
       layers::RepeatVector(2, {.name = "my_r"})(ones({1, 2, 3}));
     },
     kValue,
     {"my_r", "(1, 2, 3)"}},
    {"repeat_vector_n", [] { layers::RepeatVector(-2); }, kValue, {"RepeatVector", "n=-2"}},
    {"add_shapes",
     [] {
       layers::Add({.name = "my_a"})(Nest{ones({1, 2}), ones({1, 3})});
     },
     kValue,
     {"my_a", "(1, 2)", "(1, 3)"}},
    {"subtract_three",
     [] {
       layers::Subtract({.name = "my_s"})(Nest{ones({1, 2}), ones({1, 2}), ones({1, 2})});
     },
     kValue,
     {"my_s", "3"}},
    {"concatenate_shapes",
     [] {
       layers::Concatenate({.name = "my_c"})(Nest{ones({1, 2}), ones({2, 2})});
     },
     kValue,
     {"my_c", "(1, 2)", "(2, 2)"}},
    {"concatenate_axis",
     [] {
       layers::Concatenate({.axis = 5, .name = "my_c"})(Nest{ones({1, 2}), ones({1, 2})});
     },
     kValue,
     {"my_c", "5"}},
    {"dot_axes",
     [] {
       layers::Dot(1, {.name = "my_d"})(Nest{ones({1, 2}), ones({1, 3})});
     },
     kValue,
     {"my_d", "(1, 2)", "(1, 3)"}},
    {"two_inputs_for_one",
     [] {
       layers::Dense(2, {.name = "my_d"})(Nest{ones({1, 2}), ones({1, 3})});
     },
     kValue,
     {"my_d", "2"}},
    {"lstm_units", [] { layers::LSTM(0); }, kValue, {"LSTM", "units", "0"}},
    {"lstm_rank",
     [] {
       layers::LSTM(2, {.name = "my_l"})(ones({3, 4}));
     },
     kValue,
     {"my_l", "(3, 4)"}},
    {"lstm_state_count",
     [] {
       layers::LSTM(2, {.name = "my_l"})(ones({1, 3, 4}), {.initial_state = ones({1, 2})});
     },
     kValue,
     {"my_l", "2"}},
    {"lstm_state_shape",
     [] {
       layers::GRU(2, {.name = "my_g"})(ones({1, 3, 4}), {.initial_state = ones({1, 5})});
     },
     kValue,
     {"(1, 5)"}},
    {"attention_heads",
     [] { layers::MultiHeadAttention(0, 2); },
     kValue,
     {"MultiHeadAttention", "num_heads", "0"}},
    {"attention_one_input",
     [] {
       layers::MultiHeadAttention(2, 2, {.name = "my_m"})(ones({1, 2, 3}));
     },
     kValue,
     {"my_m"}},
    {"attention_mask",
     [] {
       layers::MultiHeadAttention(1, 2, {.name = "my_m"})(Nest{ones({1, 2, 3}), ones({1, 2, 3})},
                                                          {.attention_mask = ones({1, 5, 5})});
     },
     kValue,
     {"my_m", "broadcast"}},
    {"group_query", [] { layers::GroupQueryAttention(4, 3, 2); }, kValue, {"GroupQueryAttention", "3", "2"}},
    {"einsum_dense",
     [] {
       layers::EinsumDense("ab,bc->de", {2}, {.name = "my_e"})(ones({1, 2}));
     },
     kValue,
     {"ab,bc->de"}},
    {"batch_norm_axis",
     [] {
       layers::BatchNormalization({.axis = 4, .name = "my_b"})(ones({2, 3}));
     },
     kValue,
     {"my_b", "4"}},
    {"layer_norm_other",
     [] {
       layers::LayerNormalization n({.name = "my_n"});
       n(ones({2, 3}));
       n(ones({2, 4}));
     },
     kValue,
     {"my_n", "(2, 4)", "3"}},
    {"group_norm",
     [] {
       layers::GroupNormalization(2, {.name = "my_g"})(ones({1, 3}));
     },
     kValue,
     {"my_g", "2", "3"}},
    {"upsampling", [] { layers::UpSampling2D(0); }, kValue, {"UpSampling2D", "0"}},
    {"name_with_slash", [] { layers::Dense(1, {.name = "a/b"}); }, kValue, {"a/b", "/"}},
    {"weights_count",
     [] {
       layers::Dense d(2, {.name = "my_d"});
       d(ones({1, 3}));
       d.set_weights({ones({3, 2})});
     },
     kValue,
     {"my_d", "2", "1"}},
    {"weights_shape",
     [] {
       layers::Dense d(2, {.name = "my_d"});
       d(ones({1, 3}));
       d.set_weights({ones({2, 2}), ones({2})});
     },
     kValue,
     {"my_d/kernel", "(3, 2)", "(2, 2)"}},
    {"weights_unbuilt",
     [] {
       layers::Dense d(2, {.name = "my_d"});
       d.set_weights({ones({2, 2}), ones({2})});
     },
     kValue,
     {"my_d", "0", "2", "build"}},
    {"unread_kernel",
     [] {
       layers::Dense d(2, {.name = "my_d"});
       (void)d.kernel.value();
     },
     kValue,
     {"build"}},
    {"assign_shape",
     [] {
       Variable v(ones({2}), "v");
       v.assign(ones({3}));
     },
     kValue,
     {"[v]", "(2,)", "(3,)"}},
    {"assign_words",
     [] {
       Variable v(ones({2}), "v");
       v.assign(words());
     },
     kType,
     {"string"}},
    {"input_shape_negative", [] { Input({-3}); }, kValue, {"-3"}},
    {"input_dtype",
     [] { Input({3}, {.dtype = "flaot32"}); },
     kValue,
     {"'flaot32'", "did you mean 'float32'"}},
    {"node_of_uncalled", [] { (void)layers::Dense(1, {.name = "my_d"}).output(); }, kValue, {"my_d"}},
};
INSTANTIATE_TEST_SUITE_P(Layers, LayersRefuse, ::testing::ValuesIn(kLayers), refusal_name);

// As in Keras: take counts negative indices from the end.
TEST(LayersBadInput, NegativeIndicesOfAnEmbeddingCountFromTheEnd) {
  layers::Embedding embedding(3, 2);
  EXPECT_EQ(embedding(Tensor{-1}).to_vector<float>(), embedding(Tensor{2}).to_vector<float>());
}

}  // namespace
}  // namespace keras
