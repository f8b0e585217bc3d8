// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/models/model.h"

namespace keras {

/// The layer as Keras writes it: its envelope, with build_config once it is built; for a model, with
/// compile_config.
Json serialize_layer(const Layer& layer);
/// The model as in a .keras file's config.json.
Json serialize_model(const Model& model);
/// The layer or model of an envelope, not built unless it is a functional or Sequential model. Throws
/// ValueError for an unknown class or config key, with the nearest ones.
LayerHandle deserialize_layer(const Json& envelope);

/// What compile was given, as files have it: {} for a model that is not compiled.
Json compile_config(const Model& model);
/// Compiles a model as `compile_config` wrote it, and makes the optimizer's variables if the model is built.
void compile_from_config(Model& model, const Json& config);

/// Arguments of load_model, as in Keras.
struct LoadOptions {
  bool compile = true;  ///< also compile as the saved model was, with the optimizer's state
};

/// The model in a Keras v3 file (".keras"): architecture, weights, and, if it was compiled, losses, metrics
/// and the optimizer with its state. Functional and Sequential models come out as such; a subclass must be
/// registered (register_serializable). Throws ValueError for a missing or broken file, or classes that are
/// not known here.
///
///     auto model = load_model("fashion.keras");
///     model->evaluate(x, y);
std::shared_ptr<Model> load_model(const std::string& path, const LoadOptions& options = {});

/// Arguments of clone_model, as in Keras.
struct CloneOptions {
  Nest input_tensors = {};  ///< KerasTensors in place of new inputs
  std::function<LayerHandle(const LayerHandle&)> clone_function =
      {};                  ///< none: a new layer of the same config
  bool recursive = false;  ///< also the layers inside nested models go through clone_function
};

/// A model of the same architecture with new layers and new weights. A subclassed model must be registered,
/// or default-constructible through its config. Throws ValueError for input tensors that do not fit.
std::shared_ptr<Model> clone_model(const Model& model, const CloneOptions& options = {});

}  // namespace keras
