// SPDX-License-Identifier: Apache-2.0
// Which hooks are called, when, and with which logs: as Python Keras calls them.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/models/callbacks/lambda_callback.h"
#include "keras/models/callbacks/learning_rate_scheduler.h"
#include "keras/models/callbacks/terminate_on_nan.h"
#include "models/callbacks/small_model.h"

namespace keras {
namespace {

// A line an event: "train_batch_end 1: loss, mae".
CallbackHandle recorder(std::vector<std::string>& events) {
  const auto event = [&events](const char* name) {
    return [&events, name](Logs& logs) { events.push_back(std::string(name) + ": " + logs.names()); };
  };
  const auto step = [&events](const char* name) {
    return [&events, name](int64_t number, Logs& logs) {
      events.push_back(std::string(name) + " " + std::to_string(number) + ": " + logs.names());
    };
  };
  return callbacks::LambdaCallback({.on_epoch_begin = step("epoch_begin"),
                                    .on_epoch_end = step("epoch_end"),
                                    .on_train_begin = event("train_begin"),
                                    .on_train_end = event("train_end"),
                                    .on_train_batch_begin = step("train_batch_begin"),
                                    .on_train_batch_end = step("train_batch_end"),
                                    .on_test_begin = event("test_begin"),
                                    .on_test_end = event("test_end"),
                                    .on_test_batch_begin = step("test_batch_begin"),
                                    .on_test_batch_end = step("test_batch_end"),
                                    .on_predict_begin = event("predict_begin"),
                                    .on_predict_end = event("predict_end"),
                                    .on_predict_batch_begin = step("predict_batch_begin"),
                                    .on_predict_batch_end = step("predict_batch_end")});
}

Sequential judged_line(int64_t steps_per_execution = 1) {
  auto model = line();
  model.compile(
      {.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}, .steps_per_execution = steps_per_execution});
  return model;
}

using Events = std::vector<std::string>;

TEST(Callbacks, FitCallsThemAsKerasDoes) {
  const auto [x, y] = points(70);
  auto model = judged_line();
  Events events;
  model.fit(x, y,
            {.batch_size = 32,
             .epochs = 2,
             .verbose = 0,
             .callbacks = {recorder(events)},
             .validation_data = {x, y}});
  const std::string logs = "loss, mae", all = "loss, mae, val_loss, val_mae";
  Events wanted = {"train_begin: "};
  for (const std::string epoch : {"0", "1"}) {
    wanted.push_back("epoch_begin " + epoch + ": ");
    for (const std::string part : {"train", "test"}) {
      if (part == "test") wanted.push_back("test_begin: ");
      for (const std::string batch : {"0", "1", "2"}) {
        wanted.push_back(part + "_batch_begin " + batch + ": ");
        wanted.push_back(part + "_batch_end " + batch + ": " + logs);
      }
    }
    wanted.push_back("test_end: " + logs);
    wanted.push_back("epoch_end " + epoch + ": " + all);
  }
  wanted.push_back("train_end: " + all);
  EXPECT_EQ(events, wanted);
}

TEST(Callbacks, EvaluateAndPredictCallThemAsKerasDoes) {
  const auto [x, y] = points(40);
  auto model = judged_line();
  Events events;
  model.evaluate(x, y, {.verbose = 0, .callbacks = {recorder(events)}});
  EXPECT_EQ(events, (Events{"test_begin: ", "test_batch_begin 0: ", "test_batch_end 0: loss, mae",
                            "test_batch_begin 1: ", "test_batch_end 1: loss, mae", "test_end: loss, mae"}));
  events.clear();
  std::vector<Shape> outputs;
  model.predict(x,
                {.verbose = 0,
                 .callbacks = {recorder(events),
                               callbacks::LambdaCallback({.on_predict_batch_end = [&](int64_t, Logs& logs) {
                                 outputs.push_back(logs.find("outputs")->tensor().shape());
                               }})}});
  EXPECT_EQ(events, (Events{"predict_begin: ", "predict_batch_begin 0: ", "predict_batch_end 0: outputs",
                            "predict_batch_begin 1: ", "predict_batch_end 1: outputs", "predict_end: "}));
  EXPECT_EQ(outputs, (std::vector<Shape>{{32, 1}, {8, 1}}));
}

TEST(Callbacks, SeeEveryExecutionOfSeveralSteps) {
  const auto [x, y] = points(70);
  auto model = judged_line(2);
  Events events;
  model.fit(x, y, {.batch_size = 16, .verbose = 0, .callbacks = {recorder(events)}});
  EXPECT_EQ(
      events,
      (Events{"train_begin: ", "epoch_begin 0: ", "train_batch_begin 0: ", "train_batch_end 1: loss, mae",
              "train_batch_begin 2: ", "train_batch_end 3: loss, mae", "train_batch_begin 4: ",
              "train_batch_end 5: loss, mae", "epoch_end 0: loss, mae", "train_end: loss, mae"}));
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 5);

  // Python Keras runs 6 steps in the first epoch, and the 3 that are left in the second.
  auto other = judged_line(2);
  events.clear();
  other.fit(
      x, y,
      {.batch_size = 8, .epochs = 2, .verbose = 0, .callbacks = {recorder(events)}, .steps_per_epoch = 5});
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const auto& e) { return e.starts_with("train_batch_end"); }),
            5);
  EXPECT_EQ(other.optimizer().iterations().value().item<int64_t>(), 9);
}

TEST(Callbacks, LaterOnesSeeWhatEarlierOnesAdd) {
  const auto [x, y] = points(8);
  auto model = line();
  const auto history =
      model.fit(x, y,
                {.epochs = 3,
                 .verbose = 0,
                 .callbacks = {callbacks::LearningRateScheduler(
                     [](int64_t epoch, double rate) { return epoch == 0 ? rate : rate / 2; })}});
  EXPECT_EQ((*history)["learning_rate"], (std::vector<double>{0.5, 0.25, 0.125}));
  model.fit(x, y,
            {.verbose = 0, .callbacks = {callbacks::LearningRateScheduler([](int64_t) { return 0.75; })}});
  EXPECT_EQ(model.optimizer().learning_rate().item<double>(), 0.75);
}

TEST(Callbacks, EndTrainingAfterABatch) {
  const auto [x, y] = points(8);
  auto model = line();
  const auto history =
      model.fit(x, y,
                {.batch_size = 2,
                 .epochs = 5,
                 .verbose = 0,
                 .callbacks = {callbacks::LambdaCallback({.on_train_batch_end = [&](int64_t batch, Logs&) {
                   if (batch == 1) model.stop_training();
                 }})}});
  EXPECT_EQ(history->epoch, (std::vector<int64_t>{0}));
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 2);
  EXPECT_EQ(model.history(), history);
}

TEST(TerminateOnNaN, EndsTrainingAtABadLoss) {
  const auto [x, y] = points(8);
  std::vector<float> bad = y.to_vector<float>();
  bad[2] = NAN;
  const Tensor targets = Tensor::from(bad, {8, 1});
  auto model = line();
  model.fit(x, targets,
            {.batch_size = 2,
             .epochs = 4,
             .verbose = 0,
             .callbacks = {callbacks::TerminateOnNaN()},
             .shuffle = false});
  EXPECT_EQ(model.optimizer().iterations().value().item<int64_t>(), 2);
  auto strict = line();
  EXPECT_THROW(strict.fit(x, targets,
                          {.batch_size = 2,
                           .verbose = 0,
                           .callbacks = {callbacks::TerminateOnNaN({.raise_error = true})},
                           .shuffle = false}),
               ValueError);
}

}  // namespace
}  // namespace keras
