// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/callbacks/callback_list.h"
#include "keras/models/model.h"
#include "keras/models/run_limits.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/backend.h"
#include "models/epoch_iterator.h"
#include "models/output_structure.h"
#include "models/trainer_state.h"
#include "runtime/profiler.h"

namespace keras {

namespace {

using internal::EpochIterator;

void check_compiled(const Model& model, const char* what) {
  if (model.compiled()) return;
  internal::fail<ValueError>({model.name(), fmt::format("The model must be compiled before {}", what), "",
                              "call model.compile({.optimizer = ..., .loss = ...})"});
}

Nest concatenated(const std::vector<Nest>& batches) {
  if (batches.empty()) return {};
  if (batches.size() == 1) return batches.front();
  std::vector<std::vector<Tensor>> columns;
  for (const auto& b : batches) {
    const auto leaves = b.flatten();
    columns.resize(leaves.size());
    for (size_t i = 0; i < leaves.size(); ++i) columns[i].push_back(leaves[i]);
  }
  std::vector<Tensor> out;
  for (const auto& c : columns) out.push_back(ops::concatenate(c, 0));
  return batches.front().pack(out);
}

void check_fit_options(const Model& model, const FitOptions& options) {
  check_compiled(model, "fit()");
  for (const auto& [argument, value] :
       {std::pair("epochs", options.epochs), std::pair("initial_epoch", options.initial_epoch)}) {
    if (value >= 0) continue;
    internal::fail<ValueError>({model.name(), fmt::format("{} must not be negative", argument),
                                fmt::format("{}={}", argument, value), ""});
  }
  for (const auto& [argument, value] : {std::pair("steps_per_epoch", options.steps_per_epoch),
                                        std::pair("validation_steps", options.validation_steps)}) {
    if (!value || *value >= 1) continue;
    internal::fail<ValueError>({model.name(), fmt::format("{} must be at least 1", argument),
                                fmt::format("{}={}", argument, *value), ""});
  }
  if (!options.validation_freq.listed() && options.validation_freq.every() < 1) {
    internal::fail<ValueError>({model.name(), "validation_freq must be at least 1",
                                fmt::format("validation_freq={}", options.validation_freq.every()), ""});
  }
}

int64_t steps_per_execution(const Model& model) {
  return model.compiled() ? model.trainer_state()->options.steps_per_execution : 1;
}

std::unique_ptr<EpochIterator> validation_iterator(const Model& model, const ValidationData& data,
                                                   const FitOptions& options,
                                                   std::optional<int64_t> batch_size) {
  if (!data) return nullptr;
  const internal::DataOptions data_options{
      options.validation_batch_size ? options.validation_batch_size : batch_size,
      options.validation_steps,
      false,
      {}};
  auto adapter = data.arrays()
                     ? internal::adapt_arrays(*data.arrays(), data_options)
                     : internal::adapt_batches(*data.batches(), {{}, options.validation_steps, false, {}});
  return std::make_unique<EpochIterator>(std::move(adapter), options.validation_steps,
                                         steps_per_execution(model));
}

}  // namespace

std::shared_ptr<callbacks::History> Model::fit(const Nest& x, const Nest& y, const FitOptions& options) {
  check_fit_options(*this, options);
  DataTriple train{x, y, options.sample_weight};
  ValidationData validation = options.validation_data;
  if (options.validation_split != 0 && !validation) {
    DataTriple judged;
    std::tie(train, judged) = internal::split_validation(train, options.validation_split);
    validation = ValidationData(std::move(judged));
  }
  EpochIterator iterator(
      internal::adapt_arrays(std::move(train), {options.batch_size, options.steps_per_epoch, options.shuffle,
                                                options.class_weight}),
      options.steps_per_epoch, steps_per_execution(*this));
  const auto judging = validation_iterator(*this, validation, options, options.batch_size);
  return run_training(iterator, judging.get(), options);
}

std::shared_ptr<callbacks::History> Model::fit(const BatchSource& batches, const FitOptions& options) {
  check_fit_options(*this, options);
  if (!options.sample_weight.is_none()) {
    internal::fail<ValueError>(
        {name(), "sample_weight is for arrays: batches bring their own", "sample_weight beside batches", ""});
  }
  if (options.validation_split != 0) {
    internal::fail<ValueError>({name(), "validation_split is for arrays",
                                fmt::format("validation_split={} beside batches", options.validation_split),
                                "give validation_data"});
  }
  EpochIterator iterator(internal::adapt_batches(batches, {options.batch_size, options.steps_per_epoch,
                                                           options.shuffle, options.class_weight}),
                         options.steps_per_epoch, steps_per_execution(*this));
  const auto judging = validation_iterator(*this, options.validation_data, options, std::nullopt);
  return run_training(iterator, judging.get(), options);
}

Logs Model::run_train_step(const DataTriple& batch) {
  return trainer_->options.run_eagerly ? train_step(batch) : trainer_->steps->train(*this, batch);
}
Logs Model::run_test_step(const DataTriple& batch) {
  return trainer_->options.run_eagerly ? test_step(batch) : trainer_->steps->test(*this, batch);
}
Nest Model::run_predict_step(const DataTriple& batch) {
  return trainer_->options.run_eagerly ? predict_step(batch) : trainer_->steps->predict(*this, batch);
}

std::shared_ptr<callbacks::History> Model::run_training(EpochIterator& iterator, EpochIterator* validation,
                                                        const FitOptions& options) {
  const internal::RunScope threads;
  auto& trainer = *trainer_;
  int64_t epochs = options.epochs;
  if (const auto limit = config::max_epochs(); limit && *limit < epochs) {
    std::fputs(fmt::format("keras: training is limited to {} epochs\n", *limit).c_str(), stderr);
    epochs = *limit;
  }
  callbacks::CallbackList list(options.callbacks, true, options.verbose != 0, this,
                               {options.verbose, epochs, iterator.num_batches()});
  trainer.history = list.history();
  trainer.stop_training = false;
  trainer.initial_epoch.reset();
  Logs nothing;
  list.on_train_begin(nothing);
  Logs last;
  for (int64_t epoch = trainer.initial_epoch.value_or(options.initial_epoch); epoch < epochs; ++epoch) {
    const internal::ProfiledScope epoch_event(internal::EventKind::epoch, "epoch", epoch);
    reset_metrics();
    list.on_epoch_begin(epoch, nothing);
    // Shuffled by the epoch's number, a continued training sees the order that an unbroken one sees.
    if (!options.steps_per_epoch) iterator.set_round(epoch);
    iterator.start_epoch();
    Logs logs;
    int64_t executions = 0;
    while (auto execution = iterator.next()) {
      const internal::ProfiledScope batch_event(internal::EventKind::batch, "train batch", execution->begin);
      list.on_train_batch_begin(execution->begin, nothing);
      for (const auto& batch : execution->batches) logs = run_train_step(batch);
      list.on_train_batch_end(execution->end, logs);
      ++executions;
      if (trainer.stop_training) break;
    }
    if (executions == 0) break;
    if (validation != nullptr && options.validation_freq.includes(epoch)) {
      validation->reset();
      for (const auto& [key, value] : run_evaluation(*validation, list)) logs.set("val_" + key, value);
    }
    logs = logs.sorted();
    list.on_epoch_end(epoch, logs);
    last = logs;
    if (trainer.stop_training) break;
  }
  if (epochs > 0) trainer.optimizer->finalize_variable_values(trainable_variables());
  list.on_train_end(last);
  return list.history();
}

Logs Model::run_evaluation(EpochIterator& iterator, Callback& callbacks) {
  trainer_->stop_evaluating = false;
  Logs nothing;
  callbacks.on_test_begin(nothing);
  reset_metrics();
  iterator.start_epoch();
  Logs logs;
  while (auto execution = iterator.next()) {
    const internal::ProfiledScope event(internal::EventKind::batch, "test batch", execution->begin);
    callbacks.on_test_batch_begin(execution->begin, nothing);
    for (const auto& batch : execution->batches) logs = run_test_step(batch);
    callbacks.on_test_batch_end(execution->end, logs);
    if (trainer_->stop_evaluating) break;
  }
  logs = logs.sorted();
  callbacks.on_test_end(logs);
  return logs;
}

Logs Model::run_evaluation(EpochIterator& iterator, const EvaluateOptions& options) {
  const internal::RunScope threads;
  callbacks::CallbackList list(options.callbacks, false, options.verbose != 0, this,
                               {options.verbose, 1, iterator.num_batches()});
  return run_evaluation(iterator, list);
}

Logs Model::evaluate(const Nest& x, const Nest& y, const EvaluateOptions& options) {
  check_compiled(*this, "evaluate()");
  EpochIterator iterator(
      internal::adapt_arrays({x, y, options.sample_weight}, {options.batch_size, options.steps, false, {}}),
      options.steps, steps_per_execution(*this));
  return run_evaluation(iterator, options);
}

Logs Model::evaluate(const BatchSource& batches, const EvaluateOptions& options) {
  check_compiled(*this, "evaluate()");
  if (!options.sample_weight.is_none()) {
    internal::fail<ValueError>(
        {name(), "sample_weight is for arrays: batches bring their own", "sample_weight beside batches", ""});
  }
  EpochIterator iterator(internal::adapt_batches(batches, {options.batch_size, options.steps, false, {}}),
                         options.steps, steps_per_execution(*this));
  return run_evaluation(iterator, options);
}

Nest Model::run_prediction(EpochIterator& iterator, const PredictOptions& options) {
  const internal::RunScope threads;
  callbacks::CallbackList list(options.callbacks, false, options.verbose != 0, this,
                               {options.verbose, 1, iterator.num_batches()});
  trainer_->stop_predicting = false;
  Logs nothing;
  list.on_predict_begin(nothing);
  iterator.start_epoch();
  std::vector<Nest> out;
  while (auto execution = iterator.next()) {
    const internal::ProfiledScope event(internal::EventKind::batch, "predict batch", execution->begin);
    list.on_predict_batch_begin(execution->begin, nothing);
    std::vector<Nest> outputs;
    for (const auto& batch : execution->batches) outputs.push_back(run_predict_step(batch));
    out.push_back(concatenated(outputs));
    Logs logs{{"outputs", out.back()}};
    list.on_predict_batch_end(execution->end, logs);
    if (trainer_->stop_predicting) break;
  }
  list.on_predict_end(nothing);
  return concatenated(out);
}

Nest Model::predict(const Nest& x, const PredictOptions& options) {
  EpochIterator iterator(internal::adapt_arrays({x, {}, {}}, {options.batch_size, options.steps, false, {}}),
                         options.steps, steps_per_execution(*this));
  return run_prediction(iterator, options);
}

Nest Model::predict(const BatchSource& batches, const PredictOptions& options) {
  EpochIterator iterator(internal::adapt_batches(batches, {options.batch_size, options.steps, false, {}}),
                         options.steps, steps_per_execution(*this));
  return run_prediction(iterator, options);
}

Logs Model::train_on_batch(const Nest& x, const Nest& y, const Nest& sample_weight,
                           const std::map<int64_t, double>& class_weight) {
  check_compiled(*this, "train_on_batch()");
  DataTriple data{x, y, sample_weight};
  const int64_t samples = internal::sample_count(data);
  const auto batch = internal::adapt_arrays(std::move(data), {samples, {}, false, class_weight});
  reset_metrics();
  return run_train_step(*batch->next()).sorted();
}

Logs Model::test_on_batch(const Nest& x, const Nest& y, const Nest& sample_weight) {
  check_compiled(*this, "test_on_batch()");
  DataTriple data{x, y, sample_weight};
  const int64_t samples = internal::sample_count(data);
  const auto batch = internal::adapt_arrays(std::move(data), {samples, {}, false, {}});
  reset_metrics();
  return run_test_step(*batch->next()).sorted();
}

Nest Model::predict_on_batch(const Nest& x) { return run_predict_step({x, {}, {}}); }

}  // namespace keras
