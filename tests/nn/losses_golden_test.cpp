// SPDX-License-Identifier: Apache-2.0
// keras.losses against real Keras: results and gradients of tests/golden/losses.npz and losses_options.npz.
#include <gtest/gtest.h>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/nn/losses/regression.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "nn/close.h"

namespace keras {
namespace {

// The release that made these values has alpha and beta of Tversky the other way round; Keras 3.16 corrected
// it.
// And it left out of these configs what make_losses.py gave as arguments.
Json corrected(const std::string& family, size_t index, const Json& config, const std::string& class_name) {
  Json out = config;
  if (family == "losses_options") {
    if (class_name == "Huber") out.set("delta", index == 2 ? 0.3 : 2.0);
    if (class_name == "CosineSimilarity") out.set("axis", index == 4 ? 0 : 1);
  }
  if (class_name == "Tversky") {
    out.set("alpha", config["beta"]);
    out.set("beta", config["alpha"]);
  }
  return out;
}

void check_family(const std::string& family) {
  const GoldenFile golden(family);
  ASSERT_FALSE(golden.cases().empty());
  size_t index = 0;
  for (const Json& c : golden.cases()) {
    const std::string& class_name = c["class_name"].as_string();
    SCOPED_TRACE(family + " case " + std::to_string(index) + ": " + class_name + " " + c["config"].dump() +
                 ", " + c["activation"].dump() + ", weights " + c["sample_weight"].dump() + ", mask " +
                 c["mask"].dump());
    const auto loss = make_object<Loss>(ObjectCategory::loss, class_name,
                                        corrected(family, index++, c["config"], class_name), "test");
    const Tensor y_true = golden.array(c["y_true"]);
    const Tensor given = golden.array(c["y_pred"]);
    GradientTape tape;
    tape.watch(given);
    Tensor y_pred = given;
    if (!c["activation"].is_null()) {
      y_pred = c["activation"].as_string() == "softmax" ? ops::softmax(given) : ops::sigmoid(given);
    }
    if (!c["mask"].is_null()) {
      // The mask is put on a copy: the archive's array serves other cases too.
      y_pred = y_pred * 1.0;
      y_pred.set_mask(golden.array(c["mask"]));
    }
    const Tensor weight = c["sample_weight"].is_null() ? Tensor() : golden.array(c["sample_weight"]);
    const Tensor result = (*loss)(y_true, y_pred, weight);
    EXPECT_TRUE(close(result, golden.array(c["result"]), {2e-5, 1e-6}));
    if (c["dy_pred"].is_null()) continue;
    EXPECT_TRUE(close(tape.gradient(ops::sum(result), given), golden.array(c["dy_pred"]), {1e-4, 2e-6}));
  }
}

TEST(LossesGolden, EveryClass) { check_family("losses"); }
TEST(LossesGolden, Options) { check_family("losses_options"); }

TEST(Losses, NamesResolveAsInKeras) {
  const std::pair<const char*, const char*> names[] = {{"mse", "MeanSquaredError"},
                                                       {"MAE", "MeanAbsoluteError"},
                                                       {"mape", "MeanAbsolutePercentageError"},
                                                       {"msle", "MeanSquaredLogarithmicError"},
                                                       {"bce", "BinaryCrossentropy"},
                                                       {"kld", "KLDivergence"},
                                                       {"huber", "Huber"},
                                                       {"log_cosh", "LogCosh"},
                                                       {"Hinge", "Hinge"},
                                                       {"tversky", "Tversky"},
                                                       {"circle", "Circle"}};
  for (const auto& [name, class_name] : names)
    EXPECT_EQ(Loss::from_name(name)->class_name(), class_name) << name;
  EXPECT_THROW(Loss::from_name("logcosh"), ValueError);
}

TEST(Losses, OptionsThatOldConfigsLackAreKept) {
  const losses::Huber huber({.delta = 0.5});
  const auto again = make_object<Loss>(ObjectCategory::loss, "Huber", huber.get_config(), "test");
  EXPECT_EQ(again->get_config()["delta"].as_real(), 0.5);
}

TEST(Losses, BadOptionsAreRefused) {
  EXPECT_THROW(make_object<Loss>(ObjectCategory::loss, "CategoricalGeneralizedCrossEntropy",
                                 Json::dict({{"q", 1.0}}), "test"),
               ValueError);
  EXPECT_THROW(
      make_object<Loss>(ObjectCategory::loss, "Huber", Json::dict({{"reduction", "average"}}), "test"),
      ValueError);
}

}  // namespace
}  // namespace keras
