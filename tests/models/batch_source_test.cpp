// SPDX-License-Identifier: Apache-2.0
// What fit, evaluate and predict take as data: arrays in nests, sequences, generators; and what they refuse.
#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/models/callbacks/lambda_callback.h"
#include "keras/models/run_limits.h"
#include "keras/nn/metrics/f_score.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "models/callbacks/small_model.h"
#include "nn/close.h"

namespace keras {
namespace {

Tensor rows(const Tensor& t, int64_t first, int64_t last) { return t[Index(Slice(first, last))]; }

// Gives batches of `size` from arrays.
class Batches : public utils::Sequence {
 public:
  Batches(Tensor x, Tensor y, int64_t size) : x_(std::move(x)), y_(std::move(y)), size_(size) {}
  std::optional<int64_t> size() const override { return (x_.dim(0).value() + size_ - 1) / size_; }
  DataTriple batch(int64_t index) override {
    asked.push_back(index);
    const int64_t last = std::min(x_.dim(0).value(), (index + 1) * size_);
    return {rows(x_, index * size_, last), rows(y_, index * size_, last), {}};
  }
  void on_epoch_begin() override { ++begun; }
  void on_epoch_end() override { ++ended; }
  std::vector<int64_t> asked;
  int begun = 0, ended = 0;

 private:
  Tensor x_, y_;
  int64_t size_;
};

BatchSource::Generator generator(Tensor x, Tensor y, int64_t size, int64_t count) {
  return [x, y, size, count, next = int64_t{0}]() mutable -> std::optional<DataTriple> {
    if (next == count) return std::nullopt;
    const int64_t per_pass = x.dim(0).value() / size;
    const int64_t first = next++ % per_pass * size;
    return DataTriple{rows(x, first, first + size), rows(y, first, first + size), {}};
  };
}

TEST(BatchSource, SequencesTrainAsArraysDo) {
  const auto [x, y] = points(30);
  auto arrays = line(), batches = line();
  const FitOptions options{.epochs = 3, .verbose = 0, .shuffle = false};
  FitOptions sized = options;
  sized.batch_size = 8;
  const auto wanted = arrays.fit(x, y, sized);
  const auto sequence = std::make_shared<Batches>(x, y, 8);
  const auto history = batches.fit(sequence, options);
  EXPECT_EQ((*history)["loss"], (*wanted)["loss"]);
  EXPECT_EQ(sequence->asked, (std::vector<int64_t>{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(sequence->begun, 3);
  EXPECT_EQ(sequence->ended, 3);
  EXPECT_EQ(batches.evaluate(sequence, {.verbose = 0})["loss"],
            arrays.evaluate(x, y, {.batch_size = 8, .verbose = 0})["loss"]);
  EXPECT_TRUE(close(batches.predict(sequence, {.verbose = 0}).tensor(),
                    arrays.predict(x, {.batch_size = 8, .verbose = 0}).tensor()));
  // Shuffled: the same batches in another order, a new one every epoch.
  sequence->asked.clear();
  batches.fit(sequence, {.epochs = 2, .verbose = 0});
  std::vector<int64_t> first(sequence->asked.begin(), sequence->asked.begin() + 4);
  std::vector<int64_t> second(sequence->asked.begin() + 4, sequence->asked.end());
  EXPECT_NE(first, second);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(BatchSource, GeneratorsGiveBatchAfterBatch) {
  const auto [x, y] = points(32);
  auto arrays = line(), batches = line();
  const auto wanted = arrays.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0, .shuffle = false});
  const auto history = batches.fit(generator(x, y, 8, -1), {.epochs = 3, .verbose = 0, .steps_per_epoch = 4});
  EXPECT_EQ((*history)["loss"], (*wanted)["loss"]);
  // Without steps_per_epoch an epoch is all that there is, and then there is no more.
  auto once = line();
  EXPECT_EQ(once.fit(generator(x, y, 8, 4), {.epochs = 3, .verbose = 0})->epoch, (std::vector<int64_t>{0}));
  EXPECT_EQ(once.optimizer().iterations().value().item<int64_t>(), 4);
  // Too few for the second epoch: it is cut short.
  auto cut = line();
  EXPECT_EQ(cut.fit(generator(x, y, 8, 6), {.epochs = 3, .verbose = 0, .steps_per_epoch = 4})->epoch,
            (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(cut.optimizer().iterations().value().item<int64_t>(), 6);
  EXPECT_EQ(cut.predict(generator(x, y, 8, -1), {.verbose = 0, .steps = 3}).tensor().shape(), Shape({24, 1}));
  const auto judged = line().fit(
      x, y, {.epochs = 2, .verbose = 0, .validation_data = generator(x, y, 8, -1), .validation_steps = 2});
  EXPECT_EQ((*judged)["val_loss"].size(), 2u);
}

TEST(BatchSource, RefusesArgumentsOfArrays) {
  const auto [x, y] = points(8);
  auto model = line();
  const auto batches = [x = x, y = y] { return generator(x, y, 4, 2); };
  EXPECT_THROW(model.fit(generator(x, y, 4, 0), {.verbose = 0}), ValueError);
  EXPECT_THROW(model.fit(batches(), {.batch_size = 2, .verbose = 0}), ValueError);
  EXPECT_THROW(model.fit(batches(), {.verbose = 0, .validation_split = 0.5}), ValueError);
  EXPECT_THROW(model.fit(batches(), {.verbose = 0, .class_weight = {{0, 1.0}}}), ValueError);
  EXPECT_THROW(model.fit(batches(), {.verbose = 0, .sample_weight = y}), ValueError);
  EXPECT_THROW(model.fit(batches(), {.verbose = 0, .steps_per_epoch = 0}), ValueError);
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(FitArrays, NamesTheLengthsThatDiffer) {
  const auto [x, y] = points(8);
  auto model = line();
  const std::string said = message_of([&, x = x, y = y] { model.fit(x, rows(y, 0, 5), {.verbose = 0}); });
  EXPECT_NE(said.find("x has 8; y has 5"), std::string::npos) << said;
  EXPECT_THROW(model.fit(x, y, {.verbose = 0, .sample_weight = Tensor::from(std::vector<float>{1, 2})}),
               ValueError);
  EXPECT_THROW(model.fit(Nest(), y, {.verbose = 0}), ValueError);
  EXPECT_THROW(model.fit(Tensor(1.0f), y, {.verbose = 0}), ValueError);
  EXPECT_THROW(model.fit(rows(x, 0, 0), rows(y, 0, 0), {.verbose = 0}), ValueError);
  EXPECT_THROW(model.train_on_batch(x, rows(y, 0, 3)), ValueError);
}

TEST(FitArrays, WithoutBatchSizeStepsDecideIt) {
  const auto [x, y] = points(70);
  auto model = line();
  model.fit(x, y, {.epochs = 2, .verbose = 0, .steps_per_epoch = 5});
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 10);
}

TEST(FitArrays, StayWithinTheLimitsOfTheProcess) {
  const auto [x, y] = points(64);
  auto model = line();
  config::set_max_epochs(2);
  config::set_max_steps_per_epoch(3);
  const auto history = model.fit(x, y, {.batch_size = 8, .epochs = 5, .verbose = 0});
  const Nest predicted = model.predict(x, {.batch_size = 8, .verbose = 0});
  config::set_max_epochs(std::nullopt);
  config::set_max_steps_per_epoch(std::nullopt);
  EXPECT_EQ(history->epoch.size(), 2u);
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 6);
  EXPECT_EQ(predicted.tensor().shape(), Shape({24, 1}));
  EXPECT_THROW(config::set_max_epochs(0), ValueError);
}

TEST(FitArrays, ValidatesInListedEpochs) {
  const auto [x, y] = points(8);
  const auto history =
      line().fit(x, y, {.epochs = 5, .verbose = 0, .validation_data = {x, y}, .validation_freq = {2, 5}});
  EXPECT_EQ((*history)["val_loss"].size(), 2u);
}

TEST(FitArrays, ClassWeights) {
  const Tensor x = Tensor::from(std::vector<float>{-1, 0, 1, 2}, {4, 1});
  const Tensor y = Tensor::from(std::vector<int64_t>{0, 1, 2, 7}, {4, 1});
  const auto loss = [&](const std::map<int64_t, double>& classes, const Nest& weights) {
    auto model = line(0.25);
    return model.train_on_batch(x, y, weights, classes)["loss"];
  };
  // Classes that are not named weigh 1; names of no class do nothing.
  EXPECT_EQ(loss({{0, 2.0}, {2, 0.5}, {9, 100.0}}, {}),
            loss({}, Tensor::from(std::vector<float>{2, 1, 0.5, 1})));
  EXPECT_THROW(loss({{0, 2.0}}, Tensor::from(std::vector<float>{2, 1, 0.5, 1})), ValueError);
  auto model = line();
  EXPECT_THROW(model.fit(x, Nest{y, y}, {.verbose = 0, .class_weight = {{0, 2.0}}}), ValueError);
}

TEST(Logs, KeepMetricsWithSeveralNumbers) {
  Sequential model({Input({2}), layers::Dense(3, {.activation = "softmax"})});
  model.set_weights({Tensor::from(std::vector<float>{1, 0, 0, 0, 1, 0}, {2, 3}),
                     Tensor::from(std::vector<float>{0, 0, 0})});
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy", .metrics = {metrics::F1Score()}});
  const Tensor x = Tensor::from(std::vector<float>{1, 0, 0, 1, 1, 1, -1, 0}, {4, 2});
  const Tensor y = Tensor::from(std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}, {4, 3});
  Shape seen;
  const auto history = model.fit(
      x, y,
      {.epochs = 2,
       .verbose = 0,
       .callbacks = {callbacks::LambdaCallback(
           {.on_epoch_end = [&](int64_t, Logs& logs) { seen = logs.find("f1_score")->tensor().shape(); }})}});
  EXPECT_EQ(seen, Shape({3}));
  EXPECT_EQ(history->values("f1_score").size(), 2u);
  EXPECT_EQ(history->values("f1_score")[0].tensor().shape(), Shape({3}));
  EXPECT_THROW((*history)["f1_score"], TypeError);
  EXPECT_THROW((*history)["f1"], ValueError);
  const Logs logs = model.evaluate(x, y, {.verbose = 0});
  EXPECT_THROW(logs["f1_score"], TypeError);
  const LogValue& f1 = *logs.find("f1_score");
  EXPECT_NEAR(f1.mean(), ops::mean(f1.tensor()).item<double>(), 1e-6);
  EXPECT_GT(logs["loss"], 0.0);
}

}  // namespace
}  // namespace keras
