// SPDX-License-Identifier: Apache-2.0
// Losses and metrics of nested outputs: structures and names are those of Python Keras' CompileLoss and
// CompileMetrics, values those of the losses themselves.
#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/nn/losses/regression.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras {
namespace {

Tensor column(double first) {
  std::vector<float> values;
  for (int i = 0; i < 6; ++i) values.push_back(static_cast<float>(first + 0.25 * i * i));
  return Tensor::from(values, {6, 1});
}

// Three outputs, the input times 1, 2 and 3, in a structure of choice.
class Shaped : public Model {
 public:
  Shaped(std::function<Nest(Tensor, Tensor, Tensor)> shape, std::vector<std::string> names)
      : shape_(std::move(shape)), names_(std::move(names)) {}
  KERAS_MODEL(Shaped)
  Nest call_nest(const Nest& x, const CallArgs&) override {
    const Tensor t = x.tensor();
    return shape_(t, t * 2, t * 3);
  }
  std::vector<std::string> output_names() const override { return names_; }

 private:
  std::function<Nest(Tensor, Tensor, Tensor)> shape_;
  std::vector<std::string> names_;
};

Nest listed(const Tensor& a, const Tensor& b, const Tensor& c) { return Nest{a, Nest{b, c}}; }
Nest named_outputs(const Tensor& a, const Tensor& b, const Tensor& c) {
  return Nest::dict({{"p", a}, {"q", Nest{b, c}}});
}
Nest flat(const Tensor& a, const Tensor& b, const Tensor& c) { return Nest{a, b, c}; }

const Tensor kX = column(-1), kY = column(0.5);

double mse(double factor, const Tensor& weight = {}) {
  return losses::MeanSquaredError()(kY, kX * factor, weight).item<double>();
}
double mae(double factor, const Tensor& weight = {}) {
  return losses::MeanAbsoluteError()(kY, kX * factor, weight).item<double>();
}

void expect(const Logs& logs, const std::vector<std::pair<std::string, double>>& wanted) {
  std::string names;
  for (const auto& [name, value] : wanted) names += (names.empty() ? "" : ", ") + name;
  EXPECT_EQ(logs.names(), names);
  for (const auto& [name, value] : wanted) {
    if (!logs.contains(name)) continue;
    EXPECT_NEAR(logs[name], value, 1e-5 * std::abs(value)) << name;
  }
}

Logs judge(Nest (*shape)(const Tensor&, const Tensor&, const Tensor&), const CompileOptions& options,
           const Nest& y, const Nest& weights = {}) {
  Shaped model(shape, {"a", "b", "c"});
  model.compile(options);
  return model.test_on_batch(kX, y, weights);
}

const Nest kNested = Nest{kY, Nest{kY, kY}};

TEST(CompileLoss, OneLossServesEveryOutput) {
  expect(
      judge(listed, {.loss = "mse"}, kNested),
      {{"1/b_loss", mse(2)}, {"1/c_loss", mse(3)}, {"a_loss", mse(1)}, {"loss", mse(1) + mse(2) + mse(3)}});
}

TEST(CompileLoss, FollowsTheStructureOfTheOutputs) {
  const std::vector<std::pair<std::string, double>> wanted = {
      {"1/b_loss", mae(2)}, {"1/c_loss", mse(3)}, {"a_loss", mse(1)}, {"loss", mse(1) + mae(2) + mse(3)}};
  expect(judge(listed, {.loss = {"mse", {"mae", "mse"}}}, kNested), wanted);
  // A flat list of losses, and flat targets, go by the order of the outputs.
  expect(judge(listed, {.loss = {"mse", "mae", "mse"}}, kNested), wanted);
  expect(judge(listed, {.loss = {"mse", {"mae", "mse"}}}, Nest{kY, kY, kY}), wanted);
  expect(judge(listed, {.loss = {"mse", {"mae", "mse"}}, .loss_weights = {1.0, {2.0, 3.0}}}, kNested),
         {{"1/b_loss", mae(2)},
          {"1/c_loss", mse(3)},
          {"a_loss", mse(1)},
          {"loss", mse(1) + 2 * mae(2) + 3 * mse(3)}});
  expect(judge(listed, {.loss = {"mse", {"mae", nullptr}}}, kNested),
         {{"1/b_loss", mae(2)}, {"a_loss", mse(1)}, {"loss", mse(1) + mae(2)}});
}

TEST(CompileLoss, SumsSeveralLossesOfOneOutput) {
  expect(judge(listed, {.loss = {{"mse", "mae"}, {"mae", "mse"}}}, kNested),
         {{"1/b_loss", mae(2)},
          {"1/c_loss", mse(3)},
          {"a_loss", mae(1)},
          {"loss", mse(1) + mae(1) + mae(2) + mse(3)}});
}

TEST(CompileLoss, FollowsNames) {
  const Nest y = Nest::dict({{"q", Nest{kY, kY}}, {"p", kY}});
  expect(judge(named_outputs,
               {.loss = named<LossArg>({{"p", "mse"}, {"q", {"mae", "mse"}}}),
                .loss_weights = named<LossWeightsArg>({{"q", {1.0, 0.5}}, {"p", 2.0}}),
                .metrics = named<MetricsArg>({{"p", "mae"}, {"q", {"mse", "mae"}}})},
               y),
         {{"a_mae", mae(1)},
          {"b_mse", mse(2)},
          {"c_mae", mae(3)},
          {"loss", 2 * mse(1) + mae(2) + 0.5 * mse(3)},
          {"p_loss", mse(1)},
          {"q/b_loss", mae(2)},
          {"q/c_loss", mse(3)}});
  // Names stand for positions, in losses, weights and targets.
  const CompileOptions by_name{.loss = named<LossArg>({{"c", "mse"}, {"b", nullptr}, {"a", "mae"}}),
                               .loss_weights = named<LossWeightsArg>({{"a", 1.0}, {"b", 5.0}, {"c", 0.5}})};
  const std::vector<std::pair<std::string, double>> wanted = {
      {"a_loss", mae(1)}, {"c_loss", mse(3)}, {"loss", mae(1) + 0.5 * mse(3)}};
  expect(judge(flat, by_name, Nest{kY, kY, kY}), wanted);
  expect(judge(flat, by_name, Nest::dict({{"c", kY}, {"b", kY}, {"a", kY}})), wanted);
}

TEST(CompileLoss, TakesTargetsOnlyWhereThereIsALoss) {
  expect(judge(flat, {.loss = {"mse", nullptr, "mae"}}, Nest{kY, kY}),
         {{"a_loss", mse(1)}, {"c_loss", mae(3)}, {"loss", mse(1) + mae(3)}});
}

TEST(CompileLoss, WeighsSamplesOfEachOutput) {
  const Tensor w = Tensor::from(std::vector<float>{0, 1, 2, 0.5, 0, 3});
  expect(judge(flat, {.loss = "mse", .metrics = {{"mae"}, {}, {}}, .weighted_metrics = {{"mae"}, {}, {}}},
               Nest{kY, kY, kY}, Nest{w, Nest(), w}),
         {{"a_loss", mse(1, w)},
          {"a_mae", mae(1)},
          {"a_weighted_mae",
           losses::MeanAbsoluteError({.reduction = Reduction::mean_with_sample_weight})(kY, kX, w)
               .item<double>()},
          {"b_loss", mse(2)},
          {"c_loss", mse(3, w)},
          {"loss", mse(1, w) + mse(2) + mse(3, w)}});
}

TEST(CompileLoss, RefusesOtherStructures) {
  const Nest y = Nest{kY, kY, kY};
  EXPECT_THROW(judge(flat, {.loss = {"mse", "mae"}}, y), ValueError);
  EXPECT_THROW(judge(flat, {.loss = named<LossArg>({{"a", "mse"}, {"z", "mae"}})}, y), ValueError);
  EXPECT_THROW(judge(flat, {.loss = "mse", .loss_weights = {1.0, 2.0, 3.0}}, y), ValueError);
  EXPECT_THROW(judge(flat, {.loss = "mse"}, Nest{kY, kY}), ValueError);
  EXPECT_THROW(judge(flat, {.loss = "mse"}, Nest{kY, Nest(), kY}), ValueError);
  EXPECT_THROW(judge(flat, {.loss = "mse", .metrics = {"mae"}}, y), ValueError);
  EXPECT_THROW(judge(flat, {.loss = "mse", .metrics = named<MetricsArg>({{"z", "mae"}})}, y), ValueError);
  EXPECT_THROW(judge(listed, {.loss = {"mse", "mae"}}, kNested), ValueError);
  EXPECT_THROW(judge(named_outputs, {.loss = named<LossArg>({{"p", "mse"}, {"r", "mse"}})}, kNested),
               ValueError);
}

TEST(CompileMetrics, FollowTheStructureOfTheOutputs) {
  expect(judge(listed, {.loss = {"mse", {nullptr, nullptr}}, .metrics = {"mae", {{"mse"}, {"mse", "mae"}}}},
               kNested),
         {{"a_mae", mae(1)}, {"b_mse", mse(2)}, {"c_mae", mae(3)}, {"c_mse", mse(3)}, {"loss", mse(1)}});
}

}  // namespace
}  // namespace keras
