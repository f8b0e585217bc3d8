// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/lambda.h"

#include <gtest/gtest.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

const Tensor kX = {{1.f, -2.f, 3.f}};

TEST(Lambda, CallsEveryKindOfCallable) {
  EXPECT_TRUE(close(layers::Lambda([](const Tensor& x) { return x * x; })(kX), kX * kX));
  layers::Lambda training(
      [](const Tensor& x, const CallArgs& a) { return a.training.value_or(false) ? x : -x; });
  EXPECT_TRUE(close(training(kX), -kX));
  EXPECT_TRUE(close(training(kX, {.training = true}), kX));
  layers::Lambda scaled([](const Tensor& x, const Json& j) { return x * j["factor"].as_real(); },
                        {.arguments = Json::dict({{"factor", 2.5}})});
  EXPECT_TRUE(close(scaled(kX), kX * 2.5));
  layers::Lambda all(
      [](const Tensor& x, const CallArgs&, const Json& j) { return x + j["summand"].as_real(); },
      {.arguments = Json::dict({{"summand", 1}})});
  EXPECT_TRUE(close(all(kX), kX + 1));
  layers::Lambda sum([](const Nest& x) { return x[0].tensor() + x[1].tensor(); });
  EXPECT_TRUE(close(sum({kX, kX}).tensor(), kX * 2));
  layers::Lambda split([](const Nest& x) -> Nest { return {x.tensor(), x.tensor() * 2}; });
  EXPECT_TRUE(close(split(Nest(kX))[1].tensor(), kX * 2));
}

TEST(Lambda, HasGradientsAndShapes) {
  layers::Lambda layer([](const Tensor& x) { return ops::sum(x * x, 1, true); });
  GradientTape tape;
  tape.watch(kX);
  EXPECT_TRUE(close(tape.gradient(layer(kX), kX), kX * 2));
  EXPECT_EQ(layer.compute_output_shape({Dim::unknown(), 5}).to_string(), "(None, 1)");
  layers::Lambda told([](const Tensor& x) { return x; }, {.output_shape = Json::list({7, nullptr})});
  EXPECT_EQ(told.compute_output_shape({4, 5}).to_string(), "(4, 7, None)");
}

TEST(Lambda, GivesTheMaskItIsTold) {
  const Tensor mask = {{true, false, true}};
  const Tensor x = kX + 0;
  x.set_mask(mask);
  layers::Lambda without([](const Tensor& t) { return t + 1; });
  EXPECT_FALSE(without(x).mask().defined());
  layers::Lambda with([](const Tensor& t) { return t + 1; }, {.mask = [](const Tensor&, const CallArgs& a) {
                        return ops::logical_not(a.mask.tensor());
                      }});
  const Tensor y = with(x);
  ASSERT_TRUE(y.mask().defined());
  EXPECT_TRUE(close(y.mask(), Tensor{{false, true, false}}));
}

TEST(Lambda, IsSavedUnderARegisteredName) {
  const auto twice = saving::register_function("twice", [](const Tensor& x) { return x * 2; });
  layers::Lambda layer(twice, {.output_shape = Json::list({3})});
  const Json config = layer.get_config();
  // As Python Keras writes a function registered as Custom>twice.
  EXPECT_EQ(config["function"], Json::dict({{"module", "builtins"},
                                            {"class_name", "function"},
                                            {"config", "Custom>twice"},
                                            {"registered_name", "function"}}));
  EXPECT_EQ(config["output_shape"], Json::list({3}));
  EXPECT_EQ(config["arguments"], Json::dict());
  EXPECT_FALSE(config.contains("mask"));
  const auto again = make_object<Layer>(ObjectCategory::layer, "Lambda", config, "test");
  EXPECT_TRUE(close((*again)(kX), kX * 2));
  EXPECT_EQ(again->get_config(), config);
  EXPECT_TRUE(close(layers::Lambda("twice")(kX), kX * 2));
  EXPECT_TRUE(close(layers::Lambda("Custom>twice")(kX), kX * 2));
}

TEST(Lambda, CannotBeSavedWithoutAName) {
  layers::Lambda layer([](const Tensor& x) { return x; });
  try {
    layer.get_config();
    FAIL() << "a callable without a name was saved";
  } catch (const UnsupportedError& error) {
    EXPECT_NE(std::string(error.what()).find("register_function"), std::string::npos);
  }
}

TEST(Lambda, RefusesWhatIsNoFunction) {
  EXPECT_THROW(layers::Lambda{LambdaFunction{}}, ValueError);
  EXPECT_THROW(layers::Lambda("twicee"), ValueError);
  EXPECT_THROW(layers::Lambda([](const Tensor& x) { return x; }, {.arguments = 3}), TypeError);
  EXPECT_THROW(saving::register_function("", [](const Tensor& x) { return x; }), ValueError);
  EXPECT_THROW(saving::register_function("a>b", [](const Tensor& x) { return x; }), ValueError);
  EXPECT_THROW(saving::register_function("none", LambdaFunction()), ValueError);
  const Json python = Json::dict(
      {{"name", "lambda"},
       {"function", Json::dict({{"class_name", "__lambda__"}, {"config", Json::dict({{"code", "4wEA"}})}})}});
  EXPECT_THROW(make_object<Layer>(ObjectCategory::layer, "Lambda", python, "test"), UnsupportedError);
}

}  // namespace
}  // namespace keras
