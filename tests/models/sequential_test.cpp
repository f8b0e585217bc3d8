// SPDX-License-Identifier: Apache-2.0
#include "keras/models/sequential.h"
#include "checkout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "keras/base/error.h"
#include "keras/data/datasets.h"
#include "keras/models/save.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/pooling.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/nn/losses/crossentropy.h"
#include "keras/nn/optimizers/adam.h"
#include "keras/ops/operation.h"
#include "keras/random.h"

namespace keras {
namespace {

Dataset two_moons(int64_t n) {
  std::vector<float> x;
  std::vector<int64_t> y;
  for (int64_t i = 0; i < n; ++i) {
    const double t = 3.1415926 * static_cast<double>(i / 2) / static_cast<double>(n / 2);
    const bool second = i % 2 == 1;
    x.push_back(static_cast<float>(second ? 1 - std::cos(t) : std::cos(t)));
    x.push_back(static_cast<float>(second ? 0.5 - std::sin(t) : std::sin(t)));
    y.push_back(second ? 1 : 0);
  }
  return {Tensor::from(x, {n, 2}), Tensor::from(y)};
}

Sequential small_classifier() {
  utils::set_random_seed(7);
  return Sequential(
      {Input({2}), layers::Dense(16, {.activation = "relu"}), layers::Dense(2, {.activation = "softmax"})});
}

TEST(Sequential, LearnsAndReportsEveryEpoch) {
  const auto data = two_moons(200);
  auto model = small_classifier();
  model.compile({.optimizer = optimizers::Adam(0.02),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  const auto history =
      model.fit(data.x, data.y, {.batch_size = 16, .epochs = 30, .verbose = 0, .validation_split = 0.1});
  EXPECT_EQ(history->epoch.size(), 30u);
  std::vector<std::string> names;
  for (const auto& [name, values] : history->history) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"accuracy", "loss", "val_accuracy", "val_loss"}));
  EXPECT_LT((*history)["loss"].back(), 0.5 * (*history)["loss"].front());
  EXPECT_GT(model.evaluate(data.x, data.y, {.verbose = 0})["accuracy"], 0.9);
}

TEST(Sequential, SameSeedSameTraining) {
  const auto data = two_moons(64);
  std::vector<double> losses[2];
  for (auto& l : losses) {
    auto model = small_classifier();
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
    l = (*model.fit(data.x, data.y, {.batch_size = 16, .epochs = 3, .verbose = 0}))["loss"];
  }
  EXPECT_EQ(losses[0], losses[1]);
}

TEST(Sequential, FitsInputsToTheDeclaredShape) {
  Sequential model({Input({4, 4, 1}), layers::Conv2D(2, {3, 3}), layers::MaxPooling2D({2, 2}),
                    layers::Flatten(), layers::Dense(3)});
  const Tensor images = Tensor::from(std::vector<uint8_t>(5 * 16, 3), {5, 4, 4});
  EXPECT_EQ(model.predict(images, {.verbose = 0}).tensor().shape(), (Shape{5, 3}));
  EXPECT_THROW(model.predict(Tensor::from(std::vector<float>(5 * 9), {5, 3, 3}), {.verbose = 0}), ValueError);
}

TEST(Sequential, SavesWeightsAndReadsThemBack) {
  const auto folder = std::filesystem::temp_directory_path() / "keras_sequential_test";
  std::filesystem::create_directories(folder);
  const auto data = two_moons(32);
  auto model = small_classifier();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  const Tensor expected = model.predict(data.x, {.verbose = 0}).tensor();
  model.save((folder / "m.keras").string());
  model.save_weights((folder / "m.weights.h5").string());
  for (const char* file : {"m.keras", "m.weights.h5"}) {
    auto other = small_classifier();
    other.load_weights((folder / file).string());
    EXPECT_EQ(other.predict(data.x, {.verbose = 0}).tensor().to_vector<float>(), expected.to_vector<float>())
        << file;
  }
  Sequential wrong({Input({2}), layers::Dense(4)});
  EXPECT_THROW(wrong.load_weights((folder / "m.weights.h5").string()), ValueError);
  EXPECT_THROW(model.save((folder / "m.zip").string()), ValueError);
  std::filesystem::remove_all(folder);
}

// The text that real Keras prints for the same model.
TEST(Sequential, PrintsTheSummaryThatKerasPrints) {
  std::ifstream file(checkout::source_path("tests/golden/summary.json"));
  std::stringstream text;
  text << file.rdbuf();
  const Json golden = Json::parse(text.str(), "summary.json");
  internal::reset_auto_names();
  Sequential model(
      {Input({784}), layers::Dense(128, {.activation = "relu"}), layers::Dropout(0.2), layers::Dense(10)},
      {.name = "mlp"});
  std::string printed;
  model.summary({.print_fn = [&](const std::string& s) { printed = s; }});
  bool found = false;
  for (const auto& c : golden["cases"].as_list()) {
    if (c["name"].as_string() != "mlp") continue;
    found = true;
    std::string wanted = c["text"].as_string();
    while (wanted.ends_with("\n\n")) wanted.pop_back();
    EXPECT_EQ(printed, wanted);
  }
  EXPECT_TRUE(found);
}

TEST(Sequential, RefusesWrongUse) {
  const auto data = two_moons(8);
  auto model = small_classifier();
  EXPECT_THROW(model.fit(data.x, data.y), ValueError);  // not compiled
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  EXPECT_TRUE(model.fit(data.x, data.y, {.epochs = 0, .verbose = 0})->epoch.empty());
  EXPECT_THROW(model.fit(data.x, data.y, {.batch_size = 0}), ValueError);
  EXPECT_THROW(model.fit(data.x, data.y, {.validation_split = 1.5}), ValueError);
  EXPECT_THROW(model.fit(data.x, Tensor::from(std::vector<int64_t>{1, 0})), ValueError);
  EXPECT_THROW(model.fit(Tensor::from(std::vector<float>{}, {0, 2}), Tensor::from(std::vector<int64_t>{})),
               ValueError);
  EXPECT_THROW(model.fit(data.x, Tensor::from(std::vector<int64_t>(8, 5)), {.verbose = 0}),
               ValueError);  // no class 5
  EXPECT_THROW(model.compile({.loss = "mean_squared_eror"});
               model.fit(data.x, data.y, {.verbose = 0}), ValueError);
  EXPECT_THROW(model.get_layer("nothing"), ValueError);
  EXPECT_THROW(layers::Dense(0), ValueError);
  EXPECT_THROW(layers::Dense(3, {.activation = "rellu"}), ValueError);
  EXPECT_THROW(layers::Conv2D(4, {3, 3, 3}), ValueError);
  EXPECT_THROW(layers::Conv2D(4, 3, {.padding = "sme"}), ValueError);
  EXPECT_THROW(layers::Dropout(1.5), ValueError);
  EXPECT_THROW(Sequential({Input({2}), layers::Dense(3), layers::Conv2D(2, 3)}), ValueError);
}

}  // namespace
}  // namespace keras
