// SPDX-License-Identifier: Apache-2.0
// EarlyStopping and ReduceLROnPlateau on given sequences of logs; the expected numbers are Python Keras'.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/models/callbacks/early_stopping.h"
#include "keras/models/callbacks/reduce_lr_on_plateau.h"
#include "models/callbacks/small_model.h"

namespace keras {
namespace {

using callbacks::EarlyStopping;
using callbacks::ReduceLROnPlateau;

struct Stop {
  int64_t last_epoch;
  bool stopped;
  int64_t stopped_epoch, best_epoch;
  int64_t restored;  // the epoch whose weights the model has at the end
  double best;
};

const std::vector<double> kFalling = {1.0, 0.9, 0.95, 0.8, 0.82, 0.81, 0.83, 0.7};
const std::vector<double> kWarming = {0.5, 0.6, 0.7, 0.4, 0.45, 0.3};

void expect_stop(const std::vector<double>& losses, callbacks::EarlyStoppingOptions options,
                 const Stop& wanted) {
  auto model = line();
  const bool restores = options.restore_best_weights;
  options.monitor = "loss";
  EarlyStopping callback(options);
  callback.set_model(&model);
  Logs none;
  callback.on_train_begin(none);
  int64_t epoch = 0;
  for (; epoch < static_cast<int64_t>(losses.size()); ++epoch) {
    set_weight(model, static_cast<double>(epoch));
    Logs logs{{"loss", losses[static_cast<size_t>(epoch)]}};
    callback.on_epoch_end(epoch, logs);
    if (model.training_stopped()) break;
  }
  const int64_t last = std::min(epoch, static_cast<int64_t>(losses.size()) - 1);
  callback.on_train_end(none);
  EXPECT_EQ(last, wanted.last_epoch);
  EXPECT_EQ(model.training_stopped(), wanted.stopped);
  EXPECT_EQ(callback.stopped_epoch(), wanted.stopped_epoch);
  EXPECT_EQ(callback.best_epoch(), wanted.best_epoch);
  EXPECT_EQ(static_cast<int64_t>(weight_of(model)), restores ? wanted.restored : last);
  ASSERT_TRUE(callback.best());
  if (std::isnan(wanted.best)) {
    EXPECT_TRUE(std::isnan(*callback.best()));
  } else {
    EXPECT_EQ(*callback.best(), wanted.best);
  }
}

TEST(EarlyStopping, StopsWhereKerasStops) {
  expect_stop(kFalling, {}, {2, true, 2, 1, -1, 0.9});
  expect_stop(kFalling, {.patience = 2}, {5, true, 5, 3, -1, 0.8});
  expect_stop(kFalling, {.patience = 3}, {6, true, 6, 3, -1, 0.8});
  expect_stop(kFalling, {.min_delta = 0.06, .patience = 1}, {2, true, 2, 1, -1, 0.9});
  expect_stop(kFalling, {.mode = "max"}, {1, true, 1, 0, -1, 1.0});
  expect_stop({0.3, 0.3, 0.3, 0.3}, {.min_delta = -0.1, .patience = 2}, {2, true, 2, 0, -1, 0.3});
}

TEST(EarlyStopping, RestoresTheBestWeights) {
  expect_stop(kFalling, {.patience = 2, .restore_best_weights = true}, {5, true, 5, 3, 3, 0.8});
  expect_stop(kFalling, {.patience = 4, .mode = "max", .restore_best_weights = true},
              {4, true, 4, 0, 0, 1.0});
}

TEST(EarlyStopping, CountsPatienceAgainstTheBaseline) {
  expect_stop(kWarming, {.patience = 3, .baseline = 0.35, .restore_best_weights = true},
              {2, true, 2, 0, 0, 0.5});
  expect_stop(kWarming, {.patience = 2, .baseline = 0.45}, {1, true, 1, 0, -1, 0.5});
  expect_stop(kWarming, {.patience = 4, .baseline = 0.1, .restore_best_weights = true},
              {4, true, 4, 3, 3, 0.4});
}

TEST(EarlyStopping, WaitsForItsFirstEpoch) {
  expect_stop(kWarming, {.patience = 1, .start_from_epoch = 3}, {4, true, 4, 3, -1, 0.4});
  expect_stop(kWarming, {.patience = 2, .restore_best_weights = true, .start_from_epoch = 2},
              {5, false, 0, 5, 5, 0.3});
}

TEST(EarlyStopping, TakesNaNAsNoImprovement) {
  expect_stop({NAN, 0.5, 0.4}, {.patience = 1}, {1, true, 1, 0, -1, NAN});
  expect_stop({0.5, NAN, 0.4}, {.patience = 2}, {2, false, 0, 2, -1, 0.4});
}

TEST(EarlyStopping, EndsFitAndCanBeUsedAgain) {
  const auto [x, y] = points(8);
  auto model = line(0.5);  // the loss is zero from the start
  auto callback =
      std::make_shared<EarlyStopping>(callbacks::EarlyStoppingOptions{.monitor = "loss", .patience = 2});
  for (int i = 0; i < 2; ++i) {
    const auto history = model.fit(x, y, {.epochs = 9, .verbose = 0, .callbacks = {callback}});
    EXPECT_EQ(history->epoch, (std::vector<int64_t>{0, 1, 2}));
  }
}

TEST(EarlyStopping, NeedsADirection) {
  const auto data = points(8);
  auto model = line();
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
  const auto fit = [&](const char* monitor) {
    return model.fit(data.first, data.second,
                     {.verbose = 0, .callbacks = {EarlyStopping({.monitor = monitor})}});
  };
  EXPECT_NO_THROW(fit("val_mae"));  // warns that it is not there
  EXPECT_THROW(fit("learning_rate"), ValueError);
}

void expect_rates(callbacks::ReduceLROnPlateauOptions options, const std::vector<double>& wanted) {
  const std::vector<double> losses = {1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  auto model = line();
  options.monitor = "loss";
  ReduceLROnPlateau callback(options);
  callback.set_model(&model);
  Logs none;
  callback.on_train_begin(none);
  for (size_t i = 0; i < losses.size(); ++i) {
    const double before = model.optimizer().learning_rate().item<double>();
    Logs logs{{"loss", losses[i]}};
    callback.on_epoch_end(static_cast<int64_t>(i), logs);
    EXPECT_EQ(logs["learning_rate"], before);
    EXPECT_EQ(model.optimizer().learning_rate().item<double>(), wanted[i]) << "epoch " << i;
  }
}

TEST(ReduceLROnPlateau, FollowsKeras) {
  expect_rates({.patience = 1}, {0.5, 0.05000000074505806, 0.004999999888241291, 0.0004999999655410647,
                                 0.0004999999655410647, 4.999999509891495e-05, 4.999999418942025e-06,
                                 4.999999418942025e-07, 4.9999993478877514e-08, 4.999999525523435e-09});
  expect_rates({.factor = 0.5, .patience = 2},
               {0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625});
  expect_rates({.factor = 0.5, .patience = 0},
               {0.5, 0.25, 0.125, 0.0625, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625, 0.001953125});
  expect_rates({.factor = 0.5, .patience = 2, .mode = "max"},
               {0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125, 0.03125});
  expect_rates({.factor = 0.5, .patience = 2, .min_delta = 0.6},
               {0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125, 0.03125});
}

TEST(ReduceLROnPlateau, WaitsInCooldownAndEndsAtTheLowestRate) {
  expect_rates({.factor = 0.5, .patience = 1, .cooldown = 2},
               {0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125, 0.03125, 0.015625});
  const double low = 0.05000000074505806;
  expect_rates({.factor = 0.2, .patience = 1, .min_lr = 0.05},
               {0.5, 0.10000000149011612, low, low, low, low, low, low, low, low});
  const double tenth = 0.10000000149011612;
  expect_rates({.factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.1},
               {0.5, 0.25, 0.125, tenth, tenth, tenth, tenth, tenth, tenth, tenth});
  EXPECT_THROW(ReduceLROnPlateau({.factor = 1.0}), ValueError);
}

}  // namespace
}  // namespace keras
