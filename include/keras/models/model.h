// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keras/models/training.h"
#include "keras/nn/layer.h"

namespace keras {

namespace internal {
struct TrainerState;
}

/// Arguments of Model::summary, as in Keras.
struct SummaryOptions {
  std::optional<int> line_length = {};                    ///< characters a line; none: as many as needed
  std::function<void(const std::string&)> print_fn = {};  ///< gets the whole text; stdout when not given
  bool expand_nested = false;                             ///< also the layers inside of layers
  bool show_trainable = false;                            ///< a column that says which layers learn
};

/// Layers grouped into an object that can be trained, evaluated, saved (keras.Model). Use Sequential, or
/// the functional constructor, or subclass it and name it with KERAS_MODEL.
class Model : public Layer {
 public:
  /// Turns on gradients, losses and metrics. Throws ValueError for an unknown name.
  void compile(const CompileOptions& options = {});
  bool compiled() const;

  /// Trains for a number of epochs over arrays (all of one length along axis 0). Returns the history.
  std::shared_ptr<callbacks::History> fit(const Nest& x, const Nest& y = {}, const FitOptions& options = {});
  /// Loss and metrics over a data set, by name.
  Logs evaluate(const Nest& x, const Nest& y = {}, const EvaluateOptions& options = {});
  /// The outputs for all samples.
  Nest predict(const Nest& x, const PredictOptions& options = {});

  /// One step on one batch; the metrics start anew.
  Logs train_on_batch(const Nest& x, const Nest& y = {}, const Nest& sample_weight = {},
                      const std::map<int64_t, double>& class_weight = {});
  Logs test_on_batch(const Nest& x, const Nest& y = {}, const Nest& sample_weight = {});
  Nest predict_on_batch(const Nest& x);

  // --- What subclasses may override ---
  /// One training step: forward, loss, gradients, update, metrics. Gives the logs'"'"' values as tensors.
  virtual std::vector<std::pair<std::string, Tensor>> train_step(const DataTriple& data);
  virtual std::vector<std::pair<std::string, Tensor>> test_step(const DataTriple& data);
  virtual Nest predict_step(const DataTriple& data);
  /// Compiled losses plus everything in losses(). Throws ValueError when there is none.
  virtual Tensor compute_loss(const Nest& x, const Nest& y, const Nest& y_pred, const Nest& sample_weight);
  virtual std::vector<std::pair<std::string, Tensor>> compute_metrics(const Nest& x, const Nest& y,
                                                                      const Nest& y_pred,
                                                                      const Nest& sample_weight);

  /// Layers in Keras'"'"' order. Throws ValueError from get_layer for an unknown name, with the names.
  virtual std::vector<LayerHandle> layers() const { return sublayers(); }
  std::vector<internal::SavedChildren> saved_children() const override;
  LayerHandle get_layer(std::string_view name) const;
  LayerHandle get_layer(int index) const;
  /// The table of layers, shapes and parameter counts.
  void summary(const SummaryOptions& options = {}) const;

  /// The optimizer of compile. Throws ValueError before compile.
  Optimizer& optimizer() const;
  /// Loss tracker, metrics and per-output losses.
  std::vector<std::shared_ptr<Metric>> metrics() const;
  void reset_metrics();
  std::vector<std::string> metrics_names() const;
  /// Set by a callback to end training after the present batch or epoch.
  void stop_training();
  bool training_stopped() const;
  /// Names of the outputs, for losses and metrics given by name.
  virtual std::vector<std::string> output_names() const { return {}; }
  /// Shapes inputs to what the model declares: casts, and adds or drops a last axis of 1.
  virtual Nest standardize_inputs(const Nest& x) const { return x; }

  /// Writes a Keras v3 file (".keras").
  void save(const std::string& path) const;
  void save_weights(const std::string& path) const;
  void load_weights(const std::string& path);

  /// What compile made.
  const std::shared_ptr<internal::TrainerState>& trainer_state() const { return trainer_; }

 protected:
  explicit Model(LayerOptions options = {});
  Model(const Model&) = default;
  Model(Model&&) = default;
  Model& operator=(const Model&) = default;
  Model& operator=(Model&&) = default;

 private:
  Logs run_evaluation(const DataTriple& data, int64_t batch_size, std::optional<int64_t> steps,
                      Callback& callbacks);
  std::shared_ptr<internal::TrainerState> trainer_;
};

/// Gives a user'"'"'s model class its name, copy and attribute names; see KERAS_LAYER.
#define KERAS_MODEL(Class, ...) KERAS_LAYER(Class __VA_OPT__(, ) __VA_ARGS__)

}  // namespace keras
