// SPDX-License-Identifier: Apache-2.0
// What the golden values do not show of the attention layers: the fused op against the composition, dropout,
// masks that travel, gates, and errors.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/layers/attention.h"
#include "keras/nn/layers/embedding.h"
#include "keras/nn/layers/group_query_attention.h"
#include "keras/nn/layers/merging.h"
#include "keras/nn/layers/multi_head_attention.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/close.h"

namespace keras {
namespace {

using layers::AdditiveAttention;
using layers::Attention;
using layers::GroupQueryAttention;
using layers::MultiHeadAttention;

Tensor values(const Shape& shape, int64_t seed) { return random::normal(shape, 0, 1, DType::float64, seed); }

const Tensor kQuery = values({2, 3, 4}, 1);
const Tensor kValue = values({2, 5, 4}, 2);

Tensor padding() {
  return Tensor::from(std::vector<bool>{true, true, false, true, true, true, false, true, true, false},
                      {2, 5});
}

Tensor lower_band() {
  return ops::greater_equal(ops::expand_dims(ops::arange(3), 1) + 2, ops::expand_dims(ops::arange(5), 0));
}

struct Result {
  Tensor output;
  std::vector<Tensor> gradients;
};

// Output and gradients with respect to inputs and weights; with scores the layers compose.
Result run(Layer& layer, bool scores, CallArgs args, const Tensor& query = kQuery,
           const Tensor& value = kValue) {
  GradientTape tape(true);
  tape.watch(query);
  tape.watch(value);
  args.return_attention_scores = scores;
  const Nest out = layer(Nest{query, value}, args);
  Result result;
  result.output = scores ? out[0].tensor() : out.tensor();
  const Tensor total = ops::sum(result.output * values(result.output.shape(), 5));
  result.gradients = tape.gradient(total, layer.trainable_weights());
  result.gradients.push_back(tape.gradient(total, query));
  result.gradients.push_back(tape.gradient(total, value));
  return result;
}

void expect_equal(const Result& a, const Result& b) {
  EXPECT_TRUE(close(a.output, b.output, {1e-9, 1e-10}));
  ASSERT_EQ(a.gradients.size(), b.gradients.size());
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    ASSERT_EQ(a.gradients[i].defined(), b.gradients[i].defined()) << i;
    if (!a.gradients[i].defined()) continue;
    EXPECT_TRUE(close(a.gradients[i], b.gradients[i], {1e-8, 1e-9})) << "gradient " << i;
  }
}

std::vector<std::pair<const char*, CallArgs>> mask_cases(bool attention_mask) {
  std::vector<std::pair<const char*, CallArgs>> out(3);
  out[0].first = "no mask";
  out[1] = {"causal", {.use_causal_mask = true}};
  out[2] = {"value mask and causal", {.mask = Nest{Nest(), padding()}, .use_causal_mask = true}};
  if (attention_mask) out.push_back({"attention mask", {.attention_mask = lower_band()}});
  return out;
}

TEST(MultiHeadAttention, FusedIsComposed) {
  for (const auto& [name, args] : mask_cases(true)) {
    SCOPED_TRACE(name);
    MultiHeadAttention layer(2, 3, {.value_dim = 5, .dtype = "float64"});
    expect_equal(run(layer, false, args), run(layer, true, args));
  }
}

TEST(GroupQueryAttention, FusedIsComposed) {
  for (const auto& [name, args] : mask_cases(true)) {
    SCOPED_TRACE(name);
    GroupQueryAttention layer(3, 4, 2, {.dtype = "float64"});
    expect_equal(run(layer, false, args), run(layer, true, args));
  }
}

TEST(Attention, FusedIsComposed) {
  for (const auto& [name, args] : mask_cases(false)) {
    for (const bool scale : {false, true}) {
      SCOPED_TRACE(name);
      Attention layer({.use_scale = scale, .dtype = "float64"});
      expect_equal(run(layer, false, args), run(layer, true, args));
    }
  }
}

TEST(MultiHeadAttention, DropsTheSameScoresFusedAndComposed) {
  const auto draw = [](bool scores, bool causal) {
    MultiHeadAttention layer(2, 3,
                             {.dropout = 0.4,
                              .kernel_initializer = initializers::GlorotUniform({.seed = 3}),
                              .seed = 11,
                              .dtype = "float64"});
    return run(layer, scores, {.training = true, .use_causal_mask = causal});
  };
  for (const bool causal : {false, true}) expect_equal(draw(false, causal), draw(true, causal));
}

TEST(Attention, DropsTheSameScoresFusedAndComposed) {
  const auto draw = [](bool scores) {
    Attention layer({.dropout = 0.4, .seed = 11, .dtype = "float64"});
    return run(layer, scores, {.training = true, .mask = Nest{Nest(), padding()}});
  };
  expect_equal(draw(false), draw(true));
}

TEST(MultiHeadAttention, DropoutKeepsTheMeanAndRestsInInference) {
  MultiHeadAttention layer(1, 2, {.dropout = 0.25, .seed = 4});
  const Tensor x = ops::ones({1, 200, 3});  // all scores are 1 / 200
  layer.ensure_built({x.shape(), x.shape()});
  auto weights = layer.get_weights();
  for (Tensor& w : weights) w = ops::ones_like(w);
  layer.set_weights(weights);
  const Tensor still = layer(x, x);
  EXPECT_TRUE(close(still, layer(x, x), {0, 0}));
  const Tensor first = layer(x, x, {.training = true}), second = layer(x, x, {.training = true});
  EXPECT_FALSE(close(first, second));
  // Each row is the mean of 200 kept or dropped ones: its deviation is sqrt(0.25 / 0.75 / 200) = 0.041.
  const double bias = 1.0, scale = (still[0][0][0]).item<double>() - bias;
  const Tensor relative = (first - bias) / scale;
  EXPECT_NEAR(ops::mean(relative).item<double>(), 1.0, 0.01);
  EXPECT_NEAR(ops::std(relative).item<double>(), 0.041, 0.01);
}

TEST(MultiHeadAttention, SeesNothingBehindTheQueryOrTheMask) {
  MultiHeadAttention layer(2, 3, {.dtype = "float64"});
  const Tensor x = values({1, 6, 4}, 7);
  const Tensor late =
      ops::where(ops::greater(ops::reshape(ops::arange(6), {1, 6, 1}), Tensor(3)), x * 5.0, x);
  const CallArgs causal{.use_causal_mask = true};
  const Tensor a = layer(x, x, causal), b = layer(late, late, causal);
  const Tensor early = ops::reshape(ops::less_equal(ops::arange(6), Tensor(3)), {1, 6, 1});
  EXPECT_TRUE(close(ops::where(early, a, ops::zeros_like(a)), ops::where(early, b, ops::zeros_like(b))));
  EXPECT_FALSE(close(a, b));

  const Tensor counts = ops::less_equal(ops::reshape(ops::arange(6), {1, 6}), Tensor(3));
  const CallArgs masked{.mask = Nest{Nest(), counts}};
  EXPECT_TRUE(close(layer(x, x, masked), layer(x, late, masked)));
  EXPECT_FALSE(close(layer(x, x), layer(x, late)));
}

TEST(MultiHeadAttention, PassesTheQuerysMaskOn) {
  layers::Embedding embedding(9, 4, {.mask_zero = true});
  const Tensor tokens = Tensor::from(std::vector<int32_t>{3, 4, 0, 0, 5, 0, 0, 0}, {2, 4});
  const Tensor x = embedding(tokens);
  const Tensor mask = x.mask();
  ASSERT_TRUE(mask.defined());
  MultiHeadAttention layer(2, 2);
  const Tensor y = layer(x, x);
  EXPECT_TRUE(close(y.mask(), mask));
  EXPECT_FALSE(x.mask().defined()) << "Keras takes it off";

  const Tensor again = embedding(tokens);
  GroupQueryAttention grouped(2, 2, 1);
  const Tensor z = grouped(again, again);
  EXPECT_TRUE(close(z.mask(), mask));
  EXPECT_TRUE(close(again.mask(), mask)) << "this layer leaves it";

  const auto [output, scores] = layer.with_scores(again, again);
  EXPECT_TRUE(close(output.mask(), mask));
  // Rows of masked queries and columns of masked values are zero.
  const Tensor pair = ops::logical_and(ops::expand_dims(mask, 2), ops::expand_dims(mask, 1));
  const Tensor outside = ops::where(ops::expand_dims(pair, 1), ops::zeros_like(scores), scores);
  EXPECT_EQ(ops::max(outside).item<float>(), 0.0f);
}

TEST(Attention, ZeroesMaskedQueriesAndPassesTheirMaskOn) {
  layers::Embedding embedding(9, 4, {.mask_zero = true});
  const Tensor x = embedding(Tensor::from(std::vector<int32_t>{3, 4, 0, 0}, {1, 4}));
  Attention layer;
  const Tensor y = layer({x, x});
  EXPECT_TRUE(close(y.mask(), x.mask()));
  EXPECT_TRUE(close(ops::where(ops::expand_dims(x.mask(), -1), ops::zeros_like(y), y), ops::zeros_like(y)));
  AdditiveAttention additive;
  EXPECT_TRUE(close(Tensor(additive({x, x})).mask(), x.mask()));
}

TEST(Attention, TakesBatchesOfAnyRank) {
  Attention layer({.dtype = "float64"});
  const Tensor q = values({2, 3, 4, 5}, 1), v = values({2, 3, 6, 5}, 2);
  const Tensor folded = layer({ops::reshape(q, {6, 4, 5}), ops::reshape(v, {6, 6, 5})});
  EXPECT_TRUE(close(layer({q, v}), ops::reshape(folded, {2, 3, 4, 5}), {1e-12, 1e-12}));
}

TEST(MultiHeadAttention, GateMultipliesTheHeads) {
  MultiHeadAttention gated(2, 3, {.use_gate = true, .dtype = "float64"});
  gated.ensure_built({kQuery.shape(), kValue.shape()});
  std::vector<std::string> names;
  std::vector<Tensor> plain_weights;
  auto weights = gated.get_weights();
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::string path = gated.weights()[i].path();
    names.push_back(path.substr(path.find('/') + 1));
    if (names.back().starts_with("gate/")) {
      // A gate that is the same everywhere: sigmoid(ln 3) = 3/4.
      weights[i] = names.back() == "gate/bias" ? ops::full_like(weights[i], std::log(3.0))
                                               : ops::zeros_like(weights[i]);
    } else {
      plain_weights.push_back(weights[i]);
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"query/kernel", "query/bias", "key/kernel", "key/bias",
                                             "gate/kernel", "gate/bias", "value/kernel", "value/bias",
                                             "attention_output/kernel", "attention_output/bias"}));
  gated.set_weights(weights);
  MultiHeadAttention plain(2, 3, {.dtype = "float64"});
  plain.ensure_built({kQuery.shape(), kValue.shape()});
  plain.set_weights(plain_weights);
  EXPECT_TRUE(close(gated(kQuery, kValue), plain(kQuery, kValue) * 0.75, {1e-9, 1e-10}));  // biases are zero
}

TEST(MultiHeadAttention, ProjectsWithDifferentFirstValues) {
  MultiHeadAttention layer(2, 4);
  layer.ensure_built({Shape{2, 3, 4}, Shape{2, 3, 4}});
  const auto weights = layer.get_weights();
  EXPECT_FALSE(close(weights[0], weights[2])) << "query and key";
}

TEST(MultiHeadAttention, CopiesShareTheirHeads) {
  MultiHeadAttention layer(2, 3, {.dtype = "float64"});
  MultiHeadAttention copy = layer;  // before either is built
  const Tensor a = copy(kQuery, kValue);
  EXPECT_TRUE(close(layer(kQuery, kValue), a, {0, 0}));
  EXPECT_EQ(layer.weights().size(), 8u);
  EXPECT_EQ(layer.weights()[0].path(), copy.weights()[0].path());
}

TEST(MultiHeadAttention, ComputesInThePolicysDtype) {
  for (const char* policy : {"mixed_bfloat16", "mixed_float16"}) {
    MultiHeadAttention layer(2, 3, {.dtype = policy});
    const auto [output, scores] =
        layer.with_scores(ops::cast(kQuery, DType::float32), ops::cast(kValue, DType::float32));
    EXPECT_EQ(output.dtype(), layer.compute_dtype());
    EXPECT_EQ(scores.dtype(), layer.compute_dtype());
    EXPECT_EQ(layer.weights()[0].dtype(), DType::float32);
    const Tensor fused = layer(ops::cast(kQuery, DType::float32), ops::cast(kValue, DType::float32));
    EXPECT_TRUE(close(fused, output, {5e-2, 3e-2}));
  }
}

TEST(MultiHeadAttention, FindsShapesOfUnknownLengths) {
  const Tensor query = keras_tensor({DType::float32, {Dim::unknown(), Dim::unknown(), 4}});
  const Tensor value = keras_tensor({DType::float32, {Dim::unknown(), Dim::unknown(), 6}});
  MultiHeadAttention layer(2, 3, {.output_shape = 5});
  const Tensor y = layer(query, value, {.use_causal_mask = true});
  EXPECT_TRUE(is_keras_tensor(y));
  EXPECT_EQ(y.shape().to_string(), "(None, None, 5)");
  const auto [output, scores] = layer.with_scores(query, value, {.use_causal_mask = true});
  EXPECT_EQ(output.shape().to_string(), "(None, None, 5)");
  EXPECT_EQ(scores.shape().to_string(), "(None, 2, None, None)");
  GroupQueryAttention grouped(3, 4, 2, {.sliding_window = 2});
  EXPECT_EQ(grouped(query, value).shape().to_string(), "(None, None, 4)");
  Attention plain;
  const Tensor z = plain({query, value, query}, {.use_causal_mask = true});
  EXPECT_EQ(z.shape().to_string(), "(None, None, 6)");
}

TEST(GroupQueryAttention, IsNamedAsKerasNamesIt) {
  internal::reset_auto_names();
  GroupQueryAttention layer(2, 2, 1);
  EXPECT_EQ(layer.name(), "grouped_query_attention");
  EXPECT_EQ(serialize_object(layer)["class_name"].as_string(), "GroupQueryAttention");
  EXPECT_NE(find_object(ObjectCategory::layer, "GroupQueryAttention"), nullptr);
  EXPECT_FALSE(layer.get_config().contains("flash_attention"));
}

// The message of the error that f throws.
template <class E>
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

TEST(AttentionErrors, NameWhatIsWrong) {
  const auto value_error = error_of<ValueError>;
  EXPECT_NE(value_error([] { MultiHeadAttention(0, 2); }).find("num_heads=0"), std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, -1); }).find("key_dim=-1"), std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, 2, {.value_dim = 0}); }).find("value_dim=0"),
            std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, 2, {.sliding_window = 0}); }).find("sliding_window=0"),
            std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, 2, {.dropout = 1.5}); }).find("dropout=1.5"),
            std::string::npos);
  EXPECT_NE(value_error([] {
              MultiHeadAttention(2, 2, {.dropout = 0.1, .flash_attention = true});
            }).find("dropout"),
            std::string::npos);
  EXPECT_NE(value_error([] { GroupQueryAttention(2, 3, 2); }).find("3 and 2"), std::string::npos);
  EXPECT_NE(value_error([] { Attention({.score_mode = "cosine"}); }).find("score_mode='cosine'"),
            std::string::npos);
  EXPECT_NE(value_error([] { Attention({.dropout = -0.1}); }).find("dropout=-0.1"), std::string::npos);

  EXPECT_NE(value_error([] { Attention()(Nest(kQuery)); }).find("layer({query, value})"), std::string::npos);
  EXPECT_NE(value_error([] { Attention()({kQuery, kValue, kValue, kValue}); }).find("4"), std::string::npos);
  EXPECT_NE(value_error([] {
              Attention()({kQuery, kValue}, {.mask = padding()});
            }).find("list"),
            std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, 2)(Nest(kQuery)); }).find("1 inputs"), std::string::npos);
  EXPECT_NE(value_error([] { MultiHeadAttention(2, 2)(kQuery, kValue, kQuery); }).find("key.shape=(2, 3, 4)"),
            std::string::npos);
  EXPECT_NE(
      value_error([] { MultiHeadAttention(2, 2, {.attention_axes = 3})(kQuery, kValue); }).find("axis 3"),
      std::string::npos);
  EXPECT_NE(
      value_error([] { GroupQueryAttention(2, 2, 1)(ops::expand_dims(kQuery, 0), kValue); }).find("rank 3"),
      std::string::npos);
  EXPECT_NE(value_error([] {
              MultiHeadAttention(2, 2)(kQuery, kValue, {.return_attention_scores = true});
            }).find("with_scores"),
            std::string::npos);
  EXPECT_NE(value_error([] {
              MultiHeadAttention(2, 2, {.flash_attention = true}).with_scores(kQuery, kValue);
            }).find("no scores"),
            std::string::npos);
  const std::string flash =
      error_of<UnsupportedError>([] { MultiHeadAttention(2, 2, {.flash_attention = true})(kQuery, kValue); });
  EXPECT_NE(flash.find("flash_attention=true"), std::string::npos) << flash;
}

}  // namespace
}  // namespace keras
