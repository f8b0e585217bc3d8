// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keras/models/callbacks/history.h"
#include "keras/models/training.h"
#include "keras/nn/layer.h"

namespace keras {

namespace internal {
struct TrainerState;
class EpochIterator;
class FunctionalGraph;
}  // namespace internal

/// Arguments of Model::summary, as in Keras.
struct SummaryOptions {
  std::optional<int> line_length = {};  ///< characters a line; none: as many as needed
  std::vector<double> positions = {};   ///< where columns end, as shares of the line; empty: Keras' choice
  std::function<void(const std::string&)> print_fn = {};  ///< gets the whole text; stdout when not given
  bool expand_nested = false;                             ///< also the layers inside of layers
  bool show_trainable = false;                            ///< a column that says which layers learn
  /// The first and the last layer to show, by names or regular expressions; none: all.
  std::optional<std::pair<std::string, std::string>> layer_range = {};
};

/// Layers grouped into an object that can be trained, evaluated, saved (keras.Model). Use Sequential, or
/// the functional constructor, or subclass it and name it with KERAS_MODEL.
class Model : public Layer {
 public:
  /// The model of the layers between inputs and outputs, which are KerasTensors or nests of them:
  ///
  ///     auto a = Input({16}), b = Input({8});
  ///     auto x = layers::concatenate({layers::Dense(32, {.activation = "relu"})(a), b});
  ///     Model model({a, b}, {layers::Dense(1)(x)});
  ///
  /// Inputs may be any KerasTensors; layers are shared with other models that hold them. Throws ValueError
  /// when the outputs do not depend on the inputs alone, or two layers have one name.
  Model(const Nest& inputs, const Nest& outputs, LayerOptions options = {});
  Model(const Model&) = default;
  Model(Model&&) = default;
  Model& operator=(const Model&) = default;
  Model& operator=(Model&&) = default;
  /// A Sequential or subclassed model is no functional one: keep it as what it is, or in a LayerHandle.
  template <class T>
  requires(std::is_base_of_v<Model, std::remove_cvref_t<T>> && !std::is_same_v<Model, std::remove_cvref_t<T>>)
      Model(T&& other)
  = delete;

  /// Turns on gradients, losses and metrics. Under the policy mixed_float16 the optimizer is wrapped in a
  /// LossScaleOptimizer, unless auto_scale_loss is off. Throws ValueError for an unknown name.
  void compile(const CompileOptions& options = {});
  /// Whether compile has been called.
  bool compiled() const;

  /// Trains for a number of epochs over arrays (all of one length along axis 0), or over batches. Returns the
  /// history. Throws ValueError for data that are empty, of different lengths, or not what the model takes.
  ///@{
  std::shared_ptr<callbacks::History> fit(const Nest& x, const Nest& y = {}, const FitOptions& options = {});
  std::shared_ptr<callbacks::History> fit(const BatchSource& batches, const FitOptions& options = {});
  ///@}
  /// Loss and metrics over a data set, by name; `flatten_metrics_in_order` gives Keras' list of them.
  ///@{
  Logs evaluate(const Nest& x, const Nest& y = {}, const EvaluateOptions& options = {});
  Logs evaluate(const BatchSource& batches, const EvaluateOptions& options = {});
  ///@}
  /// The outputs for all samples.
  ///@{
  Nest predict(const Nest& x, const PredictOptions& options = {});
  Nest predict(const BatchSource& batches, const PredictOptions& options = {});
  ///@}

  /// One step on one batch; the metrics start anew. Throws ValueError when both weights are given.
  ///@{
  Logs train_on_batch(const Nest& x, const Nest& y = {}, const Nest& sample_weight = {},
                      const std::map<int64_t, double>& class_weight = {});
  Logs test_on_batch(const Nest& x, const Nest& y = {}, const Nest& sample_weight = {});
  Nest predict_on_batch(const Nest& x);
  ///@}
  /// The values as Keras lists them where it gives no names: loss, metrics, then what is left, by name.
  std::vector<LogValue> flatten_metrics_in_order(const Logs& logs) const;

  // --- What subclasses may override ---
  /// One step of training, evaluation or prediction: forward, loss, gradients, update, metrics.
  ///@{
  virtual Logs train_step(const DataTriple& data);
  virtual Logs test_step(const DataTriple& data);
  virtual Nest predict_step(const DataTriple& data);
  ///@}
  /// Compiled losses plus everything in losses(). Throws ValueError when there is none.
  virtual Tensor compute_loss(const Nest& x, const Nest& y, const Nest& y_pred, const Nest& sample_weight,
                              bool training = true);
  /// Updates the metrics of compile and gives the values of all.
  virtual Logs compute_metrics(const Nest& x, const Nest& y, const Nest& y_pred, const Nest& sample_weight);
  /// The values of all metrics(), without an update.
  Logs get_metrics_result() const;

  /// Layers in Keras' order. Throws ValueError from get_layer for an unknown name, with the names.
  virtual std::vector<LayerHandle> layers() const;
  std::vector<internal::SavedChildren> saved_children() const override;
  LayerHandle get_layer(std::string_view name) const;
  LayerHandle get_layer(int index) const;
  /// The table of layers, shapes and parameter counts.
  void summary(const SummaryOptions& options = {}) const;

  /// The optimizer of compile. Throws ValueError before compile.
  Optimizer& optimizer() const;
  /// Loss tracker, metrics of compile and per-output losses. A model with metrics of its own overrides it and
  /// adds them; `reset_metrics` and the logs then know them, too.
  virtual std::vector<std::shared_ptr<Metric>> metrics() const;
  /// Sets the states of all metrics to zero.
  void reset_metrics();
  std::vector<std::string> metrics_names() const;
  /// Set by a callback to end training, evaluation or prediction after the present batch or epoch.
  ///@{
  void stop_training();
  bool training_stopped() const;
  void stop_evaluating();
  void stop_predicting();
  ///@}
  /// What the last fit recorded; null before it.
  std::shared_ptr<callbacks::History> history() const;
  /// Set by a callback in on_train_begin to continue a training: the number of the first epoch, from 0.
  void set_initial_epoch(int64_t epoch);
  /// Names of the outputs, for losses and metrics given by name.
  virtual std::vector<std::string> output_names() const;
  /// Shapes inputs to what the model declares: casts, and adds or drops a last axis of 1.
  virtual Nest standardize_inputs(const Nest& x) const;

  /// The KerasTensors of a functional or built Sequential model, as given to the constructor, and as lists.
  /// Throws ValueError for a model that has none.
  ///@{
  Nest input() const override;
  Nest output() const override;
  std::vector<Tensor> inputs() const { return input().flatten(); }
  std::vector<Tensor> outputs() const { return output().flatten(); }
  ///@}
  /// The graph behind them; null for a subclassed model.
  const std::shared_ptr<const internal::FunctionalGraph>& graph() const { return *graph_; }

  std::string class_name() const override;
  std::string module() const override;
  std::string registered_name() const override;
  std::shared_ptr<Layer> share() const override;
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
  std::vector<LayerHandle> sublayers() const override;
  Json get_config() const override;

  /// Writes a Keras v3 file (".keras").
  void save(const std::string& path) const;
  void save_weights(const std::string& path) const;
  void load_weights(const std::string& path);

  /// What compile made.
  const std::shared_ptr<internal::TrainerState>& trainer_state() const { return trainer_; }

 protected:
  explicit Model(LayerOptions options = {});
  /// Gives the model the graph that it runs; null takes it away.
  void set_graph(std::shared_ptr<const internal::FunctionalGraph> graph) { *graph_ = std::move(graph); }

 private:
  std::shared_ptr<callbacks::History> run_training(internal::EpochIterator& iterator,
                                                   internal::EpochIterator* validation,
                                                   const FitOptions& options);
  Logs run_evaluation(internal::EpochIterator& iterator, Callback& callbacks);
  Logs run_evaluation(internal::EpochIterator& iterator, const EvaluateOptions& options);
  Nest run_prediction(internal::EpochIterator& iterator, const PredictOptions& options);
  // A step, traced and compiled unless compile said run_eagerly.
  Logs run_train_step(const DataTriple& batch);
  Logs run_test_step(const DataTriple& batch);
  Nest run_predict_step(const DataTriple& batch);
  std::shared_ptr<internal::TrainerState> trainer_;
  /// Shared by copies, which see one another's changes.
  std::shared_ptr<std::shared_ptr<const internal::FunctionalGraph>> graph_;
};

/// Gives a user's model class its name, copy and attribute names; see KERAS_LAYER.
#define KERAS_MODEL(Class, ...) KERAS_LAYER(Class __VA_OPT__(, ) __VA_ARGS__)

}  // namespace keras
