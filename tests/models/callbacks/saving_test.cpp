// SPDX-License-Identifier: Apache-2.0
// CSVLogger, ModelCheckpoint, BackupAndRestore and SwapEMAWeights.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/models/callbacks/backup_and_restore.h"
#include "keras/models/callbacks/csv_logger.h"
#include "keras/models/callbacks/lambda_callback.h"
#include "keras/models/callbacks/model_checkpoint.h"
#include "keras/models/callbacks/swap_ema_weights.h"
#include "keras/nn/optimizers/adam.h"
#include "keras/schema/json.h"
#include "models/callbacks/small_model.h"

namespace keras {
namespace {

using callbacks::BackupAndRestore;
using callbacks::CSVLogger;
using callbacks::ModelCheckpoint;
using callbacks::SwapEMAWeights;

CallbackHandle adding(Logs extra) {
  return callbacks::LambdaCallback({.on_epoch_end = [extra](int64_t, Logs& logs) { logs.merge(extra); }});
}

TEST(CSVLogger, WritesWhatPythonWrites) {
  const TemporaryDirectory directory;
  Logs none, logs{{"loss", 0.7094495892524719},
                  {"arr", Tensor::from(std::vector<float>{0.5f, 1.0f})},
                  {"big", 1e20},
                  {"nan", NAN},
                  {"neg", 1e-7},
                  {"one", 1}};
  CSVLogger comma(directory.file("a.csv")), semicolon(directory.file("b.csv"), {.separator = ";"});
  for (auto* logger : {&comma, &semicolon}) {
    logger->on_train_begin(none);
    logger->on_epoch_end(0, logs);
    logger->on_epoch_end(1, logs);
    logger->on_train_end(none);
  }
  EXPECT_EQ(read_text(directory.file("a.csv")),
            "epoch,arr,big,loss,nan,neg,one,val_arr,val_big,val_loss,val_nan,val_neg,val_one\r\n"
            "0,\"\"\"[0.5, 1.0]\"\"\",1e+20,0.7094495892524719,nan,1e-07,1.0,NA,NA,NA,NA,NA,NA\r\n"
            "1,\"\"\"[0.5, 1.0]\"\"\",1e+20,0.7094495892524719,nan,1e-07,1.0,NA,NA,NA,NA,NA,NA\r\n");
  EXPECT_TRUE(
      read_text(directory.file("b.csv"))
          .starts_with("epoch;arr;big;loss;nan;neg;one;val_arr;val_big;val_loss;val_nan;val_neg;val_one"
                       "\r\n0;\"\"\"[0.5, 1.0]\"\"\";1e+20;0.7094495892524719;nan;1e-07;1.0;NA;"));
}

TEST(CSVLogger, GoesOnInAFile) {
  const TemporaryDirectory directory;
  Logs none, first{{"loss", 0.5}, {"val_loss", 0.25}}, second{{"loss", 0.125}};
  for (auto* logs : {&first, &second}) {
    CSVLogger logger(directory.file("c.csv"), {.append = true});
    logger.on_train_begin(none);
    logger.on_epoch_end(0, *logs);
    logger.on_train_end(none);
  }
  // Each training decides on its columns; the header stays the first one's.
  EXPECT_EQ(read_text(directory.file("c.csv")), "epoch,loss,val_loss\r\n0,0.5,0.25\r\n0,0.125,NA\r\n");
  CSVLogger lost((directory.path() / "no" / "d.csv").string());
  EXPECT_THROW(lost.on_train_begin(none), ValueError);
}

TEST(ModelCheckpoint, FillsThePath) {
  const TemporaryDirectory directory;
  const auto [x, y] = points(60);
  auto model = line();
  model.fit(x, y,
            {.batch_size = 20,
             .epochs = 3,
             .verbose = 0,
             .callbacks = {adding({{"val_loss", 0.125}}),
                           ModelCheckpoint(directory.file("sub/w.{epoch:02d}-{val_loss:.2f}.weights.h5"),
                                           {.save_weights_only = true}),
                           ModelCheckpoint(directory.file("b.{epoch}.{batch:03d}.keras"), {.save_freq = 2})},
             .initial_epoch = 1});
  EXPECT_EQ(directory.names(),
            (std::vector<std::string>{"b.2.002.keras", "b.3.001.keras", "b.3.003.keras", "sub"}));
  EXPECT_TRUE(std::filesystem::exists(directory.file("sub/w.02-0.12.weights.h5")));
  EXPECT_TRUE(std::filesystem::exists(directory.file("sub/w.03-0.12.weights.h5")));
  auto other = line();
  other.load_weights(directory.file("sub/w.03-0.12.weights.h5"));
  EXPECT_EQ(weight_of(other), weight_of(model));
}

TEST(ModelCheckpoint, SavesTheBest) {
  const auto saved = [](callbacks::ModelCheckpointOptions options, const std::vector<double>& losses) {
    const TemporaryDirectory directory;
    auto model = line();
    options.save_best_only = true;
    options.monitor = "loss";
    options.save_weights_only = true;
    ModelCheckpoint callback(directory.file("best.{epoch}.weights.h5"), options);
    callback.set_model(&model);
    for (size_t i = 0; i < losses.size(); ++i) {
      Logs logs{{"loss", losses[i]}};
      callback.on_epoch_end(static_cast<int64_t>(i), logs);
    }
    std::string out;
    for (const auto& name : directory.names()) out += name[5];
    return out;
  };
  const std::vector<double> losses = {0.5, 0.6, 0.4, 0.4, 0.3};
  EXPECT_EQ(saved({}, losses), "135");
  EXPECT_EQ(saved({.mode = "max"}, losses), "12");
  EXPECT_EQ(saved({.initial_value_threshold = 0.45}, losses), "35");
  EXPECT_EQ(saved({.mode = "max", .initial_value_threshold = 0.55}, losses), "2");
}

TEST(ModelCheckpoint, RefusesWhatItCannotSave) {
  EXPECT_THROW(ModelCheckpoint("model.h6"), ValueError);
  EXPECT_THROW(ModelCheckpoint("model.keras", {.save_weights_only = true}), ValueError);
  EXPECT_THROW(ModelCheckpoint("model.keras", {.save_freq = "batch"}), ValueError);
  EXPECT_THROW(ModelCheckpoint("model.keras", {.save_freq = 0}), ValueError);
  const TemporaryDirectory directory;
  const auto data = points(8);
  auto model = line();
  const auto fit = [&](const std::string& path) {
    model.fit(data.first, data.second, {.verbose = 0, .callbacks = {ModelCheckpoint(path)}});
  };
  EXPECT_THROW(fit(directory.file("{accuracy:.2f}.keras")), ValueError);
  std::filesystem::create_directory(directory.file("there.keras"));
  EXPECT_THROW(fit(directory.file("there.keras")), ValueError);
}

// Adam has state that a continued training must find again.
Sequential resumable() {
  auto model = line(-1);
  model.compile({.optimizer = optimizers::Adam(0.05), .loss = "mse"});
  return model;
}

TEST(BackupAndRestore, ContinuesAnInterruptedTraining) {
  const TemporaryDirectory directory;
  const std::string backup = directory.file("backup");
  const auto [x, y] = points(24);
  const FitOptions plain{.batch_size = 8, .epochs = 5, .verbose = 0};
  auto whole = resumable();
  const auto wanted = whole.fit(x, y, plain);

  FitOptions options = plain;
  options.callbacks = {BackupAndRestore(backup),
                       callbacks::LambdaCallback({.on_epoch_begin = [](int64_t epoch, Logs&) {
                         if (epoch == 3) throw std::runtime_error("interrupted");
                       }})};
  auto first = resumable();
  EXPECT_THROW(first.fit(x, y, options), std::runtime_error);
  const Json metadata = Json::parse(read_text(directory.file("backup/training_metadata.json")));
  EXPECT_EQ(metadata["epoch"].as_int(), 3);
  EXPECT_EQ(metadata["batch"].as_int(), 0);

  auto second = resumable();
  options.callbacks = {BackupAndRestore(backup)};
  const auto history = second.fit(x, y, options);
  EXPECT_EQ(history->epoch, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ((*history)["loss"][0], (*wanted)["loss"][3]);
  EXPECT_EQ((*history)["loss"][1], (*wanted)["loss"][4]);
  EXPECT_EQ(weight_of(second), weight_of(whole));
  EXPECT_EQ(second.optimizer().iterations().value().item<int64_t>(), 15);
  EXPECT_FALSE(std::filesystem::exists(backup));  // a training that ended well needs none
  EXPECT_EQ(second.fit(x, y, options)->epoch.size(), 5u);
}

TEST(BackupAndRestore, SavesAfterBatchesAndKeepsTheDirectory) {
  const TemporaryDirectory directory;
  const std::string backup = directory.file("backup");
  const auto [x, y] = points(24);
  auto model = resumable();
  model.fit(x, y,
            {.batch_size = 8,
             .epochs = 2,
             .verbose = 0,
             .callbacks = {BackupAndRestore(
                 backup, {.save_freq = 2, .double_checkpoint = true, .delete_checkpoint = false})}});
  // Saved after batches 2, 4 and 6: the last of them is the third of the second epoch.
  const Json metadata = Json::parse(read_text(directory.file("backup/training_metadata.json")));
  EXPECT_EQ(metadata["epoch"].as_int(), 1);
  EXPECT_EQ(metadata["batch"].as_int(), 2);
  const Json before = Json::parse(read_text(directory.file("backup/training_metadata.json.bkp")));
  EXPECT_EQ(before["epoch"].as_int(), 1);
  EXPECT_EQ(before["batch"].as_int(), 0);

  // Broken weights: the backup before them serves.
  std::ofstream(directory.file("backup/latest.weights.h5")) << "not HDF5";
  auto other = resumable();
  const auto history =
      other.fit(x, y, {.batch_size = 8, .epochs = 2, .verbose = 0, .callbacks = {BackupAndRestore(backup)}});
  EXPECT_EQ(history->epoch, (std::vector<int64_t>{1}));
  EXPECT_EQ(other.optimizer().iterations().value().item<int64_t>(), 4 + 3);
}

TEST(BackupAndRestore, FindsTheEpochOfItsWeights) {
  const TemporaryDirectory directory;
  const std::string backup = directory.file("backup");
  const auto [x, y] = points(24);
  auto model = resumable();
  model.fit(x, y,
            {.batch_size = 8,
             .epochs = 2,
             .verbose = 0,
             .callbacks = {BackupAndRestore(backup, {.delete_checkpoint = false})}});
  // A program that died after the weights of epoch 2 were in their place, but before the metadata were.
  const std::string metadata = directory.file("backup/training_metadata.json");
  std::filesystem::rename(metadata, directory.file("backup/training_metadata.next.json"));
  std::ofstream(metadata) << R"({"epoch": 1, "batch": 0, "iterations": 3})";
  auto other = resumable();
  const auto history =
      other.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0, .callbacks = {BackupAndRestore(backup)}});
  EXPECT_EQ(history->epoch, (std::vector<int64_t>{2}));

  EXPECT_THROW(BackupAndRestore(""), ValueError);
  Sequential unbuilt({layers::Dense(1)});
  unbuilt.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_THROW(unbuilt.fit(x, y, {.verbose = 0, .callbacks = {BackupAndRestore(backup)}}), ValueError);
}

TEST(SwapEMAWeights, JudgesTheAverages) {
  const auto [x, y] = points(8);
  auto model = line(-1);
  model.compile({.optimizer = optimizers::SGD(0.5, {.use_ema = true, .ema_momentum = 0.75}), .loss = "mse"});
  auto swap = std::make_shared<SwapEMAWeights>();
  EXPECT_THROW(model.evaluate(x, y, {.verbose = 0, .callbacks = {swap}}), ValueError);  // not trained yet
  std::vector<double> judged;
  const CallbackHandle watch = callbacks::LambdaCallback(
      {.on_test_batch_begin = [&](int64_t, Logs&) { judged.push_back(weight_of(model)); },
       .on_predict_batch_begin = [&](int64_t, Logs&) { judged.push_back(weight_of(model)); }});
  double trained = 0, average = 0;
  const CallbackHandle note = callbacks::LambdaCallback({.on_epoch_end = [&](int64_t, Logs&) {
    trained = weight_of(model);
    average = model.optimizer().moving_averages()[0].value().item<double>();
  }});
  model.fit(x, y, {.epochs = 2, .verbose = 0, .callbacks = {swap, watch, note}, .validation_data = {x, y}});
  ASSERT_EQ(judged.size(), 2u);
  EXPECT_NE(trained, average);
  EXPECT_EQ(judged[1], average);
  EXPECT_EQ(weight_of(model), average);  // fit ends with the averages in the model
  set_weight(model, 7);
  model.predict(x, {.verbose = 0, .callbacks = {swap, watch}});
  EXPECT_EQ(judged[2], average);
  EXPECT_EQ(weight_of(model), 7);
}

TEST(SwapEMAWeights, StaysFromEpochToEpoch) {
  const auto data = points(8);
  const auto train = [&](bool swapping) {
    auto model = line(-1);
    model.compile(
        {.optimizer = optimizers::SGD(0.25, {.use_ema = true, .ema_momentum = 0.75}), .loss = "mse"});
    std::vector<double> seen;
    FitOptions options{.epochs = 3, .verbose = 0};
    if (swapping) options.callbacks.push_back(SwapEMAWeights({.swap_on_epoch = true}));
    options.callbacks.push_back(callbacks::LambdaCallback({.on_epoch_end = [&](int64_t, Logs&) {
      seen.push_back(swapping ? weight_of(model)
                              : model.optimizer().moving_averages()[0].value().item<double>());
    }}));
    model.fit(data.first, data.second, options);
    seen.push_back(weight_of(model));
    return seen;
  };
  EXPECT_EQ(train(true), train(false));
  auto plain = line();
  EXPECT_THROW(plain.fit(data.first, data.second,
                         {.verbose = 0, .callbacks = {SwapEMAWeights({.swap_on_epoch = true})}}),
               ValueError);
}

}  // namespace
}  // namespace keras
