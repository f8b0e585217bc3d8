// SPDX-License-Identifier: Apache-2.0
#include "keras/models/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/optimizers/loss_scale_optimizer.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "models/trainer_state.h"
#include "nn/extent.h"

namespace keras {

Model::Model(LayerOptions options)
    : Layer(std::move(options)),
      trainer_(std::make_shared<internal::TrainerState>()),
      graph_(std::make_shared<std::shared_ptr<const internal::FunctionalGraph>>()) {}

bool Model::compiled() const { return trainer_->compiled; }

void Model::compile(const CompileOptions& options) {
  auto& t = *trainer_;
  t.training_variables.reset();
  t.steps = std::make_unique<internal::TracedSteps>();
  t.options = options;
  if (options.steps_per_execution < 1) {
    internal::fail<ValueError>({name(), "steps_per_execution must be at least 1",
                                fmt::format("{}", options.steps_per_execution), ""});
  }
  t.given_optimizer = options.optimizer ? options.optimizer.shared() : Optimizer::from_name("rmsprop");
  t.optimizer = t.given_optimizer;
  if (options.auto_scale_loss && dtype_policy().name() == "mixed_float16" &&
      std::dynamic_pointer_cast<optimizers::LossScaleOptimizer>(t.optimizer) == nullptr) {
    t.optimizer = std::make_shared<optimizers::LossScaleOptimizer>(ObjectRef<Optimizer>(t.given_optimizer));
  }
  t.loss = options.loss.none()
               ? nullptr
               : std::make_unique<internal::CompileLoss>(options.loss, options.loss_weights, output_names());
  t.metrics = options.metrics.none() && options.weighted_metrics.none()
                  ? nullptr
                  : std::make_unique<internal::CompileMetrics>(options.metrics, options.weighted_metrics,
                                                               output_names());
  t.loss_tracker = std::make_shared<metrics::Mean>(MetricOptions{.name = "loss"});
  t.compiled = true;
}

Optimizer& Model::optimizer() const {
  if (!trainer_->optimizer) {
    internal::fail<ValueError>(
        {name(), "The model has an optimizer only after compile()", "", "call compile() first"});
  }
  return *trainer_->optimizer;
}

std::vector<std::shared_ptr<Metric>> Model::metrics() const {
  std::vector<std::shared_ptr<Metric>> out;
  if (!trainer_->compiled) return out;
  out.push_back(trainer_->loss_tracker);
  if (trainer_->metrics) {
    const auto list = trainer_->metrics->metrics();
    out.insert(out.end(), list.begin(), list.end());
  }
  if (trainer_->loss) {
    const auto list = trainer_->loss->metrics();
    out.insert(out.end(), list.begin(), list.end());
  }
  return out;
}

void Model::reset_metrics() {
  for (const auto& m : metrics()) m->reset_state();
}

std::vector<std::string> Model::metrics_names() const {
  std::vector<std::string> out;
  for (const auto& m : metrics()) out.push_back(m->name());
  return out;
}

std::vector<internal::SavedChildren> Model::saved_children() const {
  auto out = Layer::saved_children();
  out.push_back({"layers", true, layers(), graph() != nullptr});
  return out;
}

void Model::stop_training() { trainer_->stop_training = true; }
bool Model::training_stopped() const { return trainer_->stop_training; }
void Model::stop_evaluating() { trainer_->stop_evaluating = true; }
void Model::stop_predicting() { trainer_->stop_predicting = true; }
std::shared_ptr<callbacks::History> Model::history() const { return trainer_->history; }
void Model::set_initial_epoch(int64_t epoch) { trainer_->initial_epoch = epoch; }

LayerHandle Model::get_layer(std::string_view wanted) const {
  std::vector<std::string> names;
  for (const auto& layer : layers()) {
    if (layer->name() == wanted) return layer;
    names.push_back(layer->name());
  }
  internal::fail_unknown_name(name(), "layer", wanted, names);
}

LayerHandle Model::get_layer(int index) const {
  const auto list = layers();
  const int count = static_cast<int>(list.size());
  if (index < -count || index >= count) {
    internal::fail<ValueError>(
        {name(), fmt::format("The model has {} layers", count), fmt::format("index {}", index), ""});
  }
  return list[static_cast<size_t>(index < 0 ? index + count : index)];
}

Tensor Model::compute_loss(const Nest&, const Nest& y, const Nest& y_pred, const Nest& sample_weight, bool) {
  Tensor total;
  if (trainer_->loss) total = (*trainer_->loss)(y, y_pred, sample_weight);
  for (const Tensor& extra : losses()) {
    const Tensor value = ops::cast(ops::sum(extra), floatx());
    total = total.defined() ? total + value : value;
  }
  if (!total.defined()) {
    internal::fail<ValueError>({name(), "There must be a loss to compute", "no compiled loss and no add_loss",
                                "give a loss in compile()"});
  }
  return total;
}

Logs Model::get_metrics_result() const {
  const auto& t = *trainer_;
  std::vector<std::shared_ptr<Metric>> compiled_metrics;
  if (t.metrics) compiled_metrics = t.metrics->metrics();
  Logs out;
  bool shown = false;
  for (const auto& metric : metrics()) {
    if (std::find(compiled_metrics.begin(), compiled_metrics.end(), metric) != compiled_metrics.end()) {
      // Only the metrics of compile together know their names.
      if (!shown) out.merge(t.metrics->result());
      shown = true;
      continue;
    }
    const Nest value = metric->result();
    if (value.is_dict()) {
      for (const auto& [key, item] : value.items()) out.set(key, item);
    } else {
      out.set(metric->name(), value);
    }
  }
  return out;
}

Logs Model::compute_metrics(const Nest&, const Nest& y, const Nest& y_pred, const Nest& sample_weight) {
  if (trainer_->metrics) trainer_->metrics->update_state(y, y_pred, sample_weight);
  return get_metrics_result();
}

std::vector<LogValue> Model::flatten_metrics_in_order(const Logs& logs) const {
  std::vector<std::string> names;
  if (trainer_->compiled) names = metrics_names();
  std::vector<LogValue> out;
  for (const auto& n : names) {
    if (const LogValue* value = logs.find(n)) out.push_back(*value);
  }
  for (const auto& [key, value] : logs.sorted()) {
    if (std::find(names.begin(), names.end(), key) == names.end()) out.push_back(value);
  }
  return out;
}

namespace {

Tensor batch_size_of(const Nest& x) {
  const auto leaves = x.flatten();
  if (leaves.empty()) internal::fail<ValueError>({"fit", "There must be input data", "none", ""});
  return ops::cast(internal::extent(leaves.front(), 0), floatx());
}

}  // namespace

Logs Model::train_step(const DataTriple& data) {
  Nest y_pred;
  std::vector<Variable> variables;
  std::vector<Tensor> gradients;
  {
    GradientTape tape;
    if (trainer_->training_variables) {
      // Frozen since compile: still a part of this training.
      for (const auto& v : *trainer_->training_variables) {
        if (!v.trainable()) tape.watch(v);
      }
    }
    clear_losses();
    y_pred = (*this)(data.x, {.training = true});
    Tensor loss = compute_loss(data.x, data.y, y_pred, data.sample_weight, true);
    trainer_->loss_tracker->Mean::update_state(loss, batch_size_of(data.x));
    loss = optimizer().scale_loss(loss);
    if (!trainer_->training_variables) trainer_->training_variables = trainable_variables();
    variables = *trainer_->training_variables;
    gradients = tape.gradient(loss, variables);
  }
  if (variables.empty()) {
    std::fprintf(stderr, "keras: the model %s has no trainable weights\n", name().c_str());
  } else {
    optimizer().apply(gradients, variables);
  }
  return compute_metrics(data.x, data.y, y_pred, data.sample_weight);
}

Logs Model::test_step(const DataTriple& data) {
  clear_losses();
  const Nest y_pred = (*this)(data.x, {.training = false});
  const Tensor loss = compute_loss(data.x, data.y, y_pred, data.sample_weight, false);
  trainer_->loss_tracker->Mean::update_state(loss, batch_size_of(data.x));
  return compute_metrics(data.x, data.y, y_pred, data.sample_weight);
}

Nest Model::predict_step(const DataTriple& data) { return (*this)(data.x, {.training = false}); }

}  // namespace keras
