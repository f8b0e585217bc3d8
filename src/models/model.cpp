// SPDX-License-Identifier: Apache-2.0
#include "keras/models/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "models/trainer_state.h"
#include "nn/extent.h"

namespace keras {

Model::Model(LayerOptions options)
    : Layer(std::move(options)), trainer_(std::make_shared<internal::TrainerState>()) {}

bool Model::compiled() const { return trainer_->compiled; }

void Model::compile(const CompileOptions& options) {
  auto& t = *trainer_;
  t.options = options;
  t.optimizer = options.optimizer ? options.optimizer.shared() : Optimizer::from_name("rmsprop");
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
  out.push_back({"layers", true, layers()});
  return out;
}

void Model::stop_training() { trainer_->stop_training = true; }
bool Model::training_stopped() const { return trainer_->stop_training; }

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

Tensor Model::compute_loss(const Nest&, const Nest& y, const Nest& y_pred, const Nest& sample_weight) {
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

std::vector<std::pair<std::string, Tensor>> Model::compute_metrics(const Nest&, const Nest& y,
                                                                   const Nest& y_pred,
                                                                   const Nest& sample_weight) {
  auto& t = *trainer_;
  if (t.metrics) t.metrics->update_state(y, y_pred, sample_weight);
  std::vector<std::pair<std::string, Tensor>> out;
  out.emplace_back("loss", t.loss_tracker->result().tensor());
  if (t.metrics) {
    for (auto& item : t.metrics->result()) out.push_back(std::move(item));
  }
  if (t.loss) {
    for (const auto& m : t.loss->metrics()) out.emplace_back(m->name(), m->result().tensor());
  }
  return out;
}

namespace {

Tensor batch_size_of(const Nest& x) { return ops::cast(internal::extent(x.flatten().front(), 0), floatx()); }

}  // namespace

std::vector<std::pair<std::string, Tensor>> Model::train_step(const DataTriple& data) {
  Nest y_pred;
  std::vector<Variable> variables;
  std::vector<Tensor> gradients;
  {
    GradientTape tape;
    clear_losses();
    y_pred = (*this)(data.x, {.training = true});
    Tensor loss = compute_loss(data.x, data.y, y_pred, data.sample_weight);
    trainer_->loss_tracker->Mean::update_state(loss, batch_size_of(data.x));
    loss = optimizer().scale_loss(loss);
    variables = trainable_variables();
    gradients = tape.gradient(loss, variables);
  }
  if (variables.empty()) {
    std::fprintf(stderr, "keras: the model %s has no trainable weights\n", name().c_str());
  } else {
    optimizer().apply(gradients, variables);
  }
  return compute_metrics(data.x, data.y, y_pred, data.sample_weight);
}

std::vector<std::pair<std::string, Tensor>> Model::test_step(const DataTriple& data) {
  clear_losses();
  const Nest y_pred = (*this)(data.x, {.training = false});
  const Tensor loss = compute_loss(data.x, data.y, y_pred, data.sample_weight);
  trainer_->loss_tracker->Mean::update_state(loss, batch_size_of(data.x));
  return compute_metrics(data.x, data.y, y_pred, data.sample_weight);
}

Nest Model::predict_step(const DataTriple& data) { return (*this)(data.x, {.training = false}); }

}  // namespace keras
