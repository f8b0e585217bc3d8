// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/backend.h"
#include "models/epoch_iterator.h"
#include "models/trainer_state.h"

namespace keras {

namespace {

void check_compiled(const Model& model, const char* what) {
  if (model.compiled()) return;
  internal::fail<ValueError>({model.name(), fmt::format("The model must be compiled before {}", what), "",
                              "call model.compile({.optimizer = ..., .loss = ...})"});
}

// A metric that gives several numbers is shown by their mean, as Keras' progress bar does.
Logs to_logs(const std::vector<std::pair<std::string, Tensor>>& values) {
  Logs out;
  for (const auto& [name, value] : values) {
    const auto numbers = value.to_vector<double>();
    double sum = 0;
    for (const double n : numbers) sum += n;
    out.set(name, numbers.empty() ? 0 : sum / static_cast<double>(numbers.size()));
  }
  return out.sorted();
}

Nest concatenated(const std::vector<Nest>& batches) {
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

}  // namespace

std::shared_ptr<callbacks::History> Model::fit(const Nest& x, const Nest& y, const FitOptions& options) {
  check_compiled(*this, "fit()");
  if (options.epochs < 1) {
    internal::fail<ValueError>(
        {name(), "epochs must be at least 1", fmt::format("epochs={}", options.epochs), ""});
  }
  if (options.validation_freq < 1) {
    internal::fail<ValueError>({name(), "validation_freq must be at least 1",
                                fmt::format("validation_freq={}", options.validation_freq), ""});
  }
  const internal::RunScope threads;
  DataTriple train{x, y, options.sample_weight};
  std::optional<DataTriple> validation = options.validation_data;
  if (options.validation_split != 0 && !validation) {
    std::tie(train, validation) = internal::split_validation(train, options.validation_split);
  }
  const int64_t batch_size = options.batch_size.value_or(32);
  internal::EpochIterator iterator(
      std::move(train), {batch_size, options.shuffle, options.steps_per_epoch, options.class_weight});
  std::optional<internal::EpochIterator> validation_iterator;

  const CallbackParams params{options.verbose, options.epochs, iterator.steps()};
  callbacks::CallbackList list(options.callbacks, true, options.verbose != 0, this, params);
  trainer_->stop_training = false;
  list.on_train_begin({});
  Logs last;
  for (int64_t epoch = options.initial_epoch; epoch < options.epochs; ++epoch) {
    reset_metrics();
    list.on_epoch_begin(epoch, {});
    iterator.start_epoch(epoch);
    Logs logs;
    for (int64_t step = 0; step < iterator.steps(); ++step) {
      list.on_train_batch_begin(step, {});
      logs = to_logs(train_step(iterator.batch(step)));
      list.on_train_batch_end(step, logs);
      if (trainer_->stop_training) break;
    }
    if (validation && (epoch + 1) % options.validation_freq == 0) {
      const Logs found = run_evaluation(*validation, options.validation_batch_size.value_or(batch_size),
                                        options.validation_steps, list);
      Logs prefixed;
      for (const auto& [key, value] : found) prefixed.set("val_" + key, value);
      logs.merge(prefixed);
    }
    logs = logs.sorted();
    list.on_epoch_end(epoch, logs);
    last = logs;
    if (trainer_->stop_training) break;
  }
  optimizer().finalize_variable_values(trainable_variables());
  list.on_train_end(last);
  return list.history();
}

Logs Model::run_evaluation(const DataTriple& data, int64_t batch_size, std::optional<int64_t> steps,
                           Callback& callbacks) {
  internal::EpochIterator iterator(data, {batch_size, false, {}, {}});
  const int64_t count = std::min(iterator.steps(), steps.value_or(iterator.steps()));
  callbacks.on_test_begin({});
  reset_metrics();
  Logs logs;
  for (int64_t step = 0; step < count; ++step) {
    callbacks.on_test_batch_begin(step, {});
    logs = to_logs(test_step(iterator.batch(step)));
    callbacks.on_test_batch_end(step, logs);
  }
  callbacks.on_test_end(logs);
  return logs;
}

Logs Model::evaluate(const Nest& x, const Nest& y, const EvaluateOptions& options) {
  check_compiled(*this, "evaluate()");
  const internal::RunScope threads;
  const DataTriple data{x, y, options.sample_weight};
  const int64_t batch_size = options.batch_size.value_or(32);
  const int64_t steps = (internal::sample_count(data) + batch_size - 1) / batch_size;
  callbacks::CallbackList list(options.callbacks, false, options.verbose != 0, this,
                               {options.verbose, 1, std::min(steps, options.steps.value_or(steps))});
  return run_evaluation(data, batch_size, options.steps, list);
}

Nest Model::predict(const Nest& x, const PredictOptions& options) {
  const internal::RunScope threads;
  internal::EpochIterator iterator({x, {}, {}}, {options.batch_size.value_or(32), false, {}, {}});
  const int64_t count = std::min(iterator.steps(), options.steps.value_or(iterator.steps()));
  callbacks::CallbackList list(options.callbacks, false, options.verbose != 0, this,
                               {options.verbose, 1, count});
  list.on_predict_begin({});
  std::vector<Nest> out;
  for (int64_t step = 0; step < count; ++step) {
    list.on_predict_batch_begin(step, {});
    out.push_back(predict_step(iterator.batch(step)));
    list.on_predict_batch_end(step, {});
  }
  list.on_predict_end({});
  return concatenated(out);
}

Logs Model::train_on_batch(const Nest& x, const Nest& y, const Nest& sample_weight,
                           const std::map<int64_t, double>& class_weight) {
  check_compiled(*this, "train_on_batch()");
  DataTriple data{x, y, sample_weight};
  internal::EpochIterator batch(data, {internal::sample_count(data), false, {}, class_weight});
  reset_metrics();
  return to_logs(train_step(batch.batch(0)));
}

Logs Model::test_on_batch(const Nest& x, const Nest& y, const Nest& sample_weight) {
  check_compiled(*this, "test_on_batch()");
  DataTriple data{x, y, sample_weight};
  internal::EpochIterator batch(data, {internal::sample_count(data), false, {}, {}});
  reset_metrics();
  return to_logs(test_step(batch.batch(0)));
}

Nest Model::predict_on_batch(const Nest& x) { return predict_step({x, {}, {}}); }

}  // namespace keras
