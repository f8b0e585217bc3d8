// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "keras/base/error.h"
#include "keras/models/save.h"
#include "keras/models/sequential.h"
#include "models/functional_graph.h"
#include "nn/layer_operation.h"

namespace keras {

namespace {

using internal::fail;

LayerHandle same_config(const LayerHandle& layer) {
  const Json config = layer->get_config();
  return deserialize_layer(
      ObjectEnvelope{layer->module(), layer->class_name(), config, layer->registered_name(), nullptr}
          .to_json());
}

/// Clones each layer once, however many calls it has.
class LayerCloner {
 public:
  explicit LayerCloner(const CloneOptions& options) : options_(options) {}

  LayerHandle operator()(const LayerHandle& layer) {
    const void* core = &layer->core();
    if (const auto it = known_.find(core); it != known_.end()) return it->second;
    LayerHandle clone;
    const auto* model = dynamic_cast<const Model*>(layer.shared().get());
    if (options_.recursive && model != nullptr && model->graph()) {
      clone = LayerHandle(std::static_pointer_cast<Layer>(
          clone_model(*model, {.clone_function = [this](const LayerHandle& inner) { return (*this)(inner); },
                               .recursive = true})));
    } else {
      clone = options_.clone_function ? options_.clone_function(layer) : same_config(layer);
    }
    known_.emplace(core, clone);
    return clone;
  }

 private:
  const CloneOptions& options_;
  std::map<const void*, LayerHandle> known_;
};

std::shared_ptr<Model> clone_sequential(const Sequential& model, const CloneOptions& options) {
  LayerCloner clone(options);
  std::vector<LayerHandle> layers;
  if (!options.input_tensors.is_none()) {
    const auto inputs = options.input_tensors.flatten();
    if (inputs.size() != 1) {
      fail<ValueError>(
          {model.name(), "A Sequential model has one input", fmt::format("{}", inputs.size()), ""});
    }
    layers.emplace_back(layers::InputLayer(InputLayerOptions{
        .batch_shape = inputs[0].shape(), .dtype = std::string(dtype_name(inputs[0].dtype()))}));
  } else if (model.graph()) {
    layers.emplace_back(layers::InputLayer(
        dynamic_cast<const layers::InputLayer&>(*model.graph()->layers().front()).options()));
  }
  for (const auto& layer : model.layers()) layers.push_back(clone(layer));
  return std::make_shared<Sequential>(layers,
                                      LayerOptions{.name = model.name(), .trainable = model.trainable()});
}

std::shared_ptr<Model> clone_functional(const Model& model, const CloneOptions& options) {
  const auto& graph = *model.graph();
  Nest inputs = options.input_tensors;
  if (inputs.is_none()) {
    inputs = graph.inputs().map([](const Tensor& t) {
      return layers::InputLayer(InputLayerOptions{.batch_shape = t.shape(),
                                                  .dtype = std::string(dtype_name(t.dtype())),
                                                  .name = symbolic_value(t)->name})
          .output()
          .tensor();
    });
  }
  if (!inputs.same_structure(graph.inputs())) {
    fail<ValueError>(
        {model.name(), "input_tensors must have the structure of the model's inputs",
         fmt::format("{} tensors for {} inputs", inputs.flatten().size(), graph.inputs().flatten().size()),
         ""});
  }
  LayerCloner clone(options);
  const auto values = inputs.flatten();
  const Nest outputs =
      graph.run(values, [&](const OperationNode& node, const Nest& args, const Nest& kwargs) {
        const auto* call = dynamic_cast<const internal::LayerOperation*>(node.operation.get());
        if (call == nullptr) return node.operation->call(args, kwargs);
        const auto [given, call_args] = call->filled(args, kwargs);
        return (*clone(LayerHandle(call->layer())))(given, call_args).flatten();
      });
  return std::make_shared<Model>(inputs, outputs,
                                 LayerOptions{.name = model.name(), .trainable = model.trainable()});
}

}  // namespace

std::shared_ptr<Model> clone_model(const Model& model, const CloneOptions& options) {
  std::shared_ptr<Model> out;
  if (const auto* sequential = dynamic_cast<const Sequential*>(&model)) {
    out = clone_sequential(*sequential, options);
  } else if (model.class_name() == "Functional") {
    out = clone_functional(model, options);
  } else {
    if (options.clone_function || !options.input_tensors.is_none()) {
      fail<ValueError>({model.name(),
                        "clone_function and input_tensors are for Sequential and functional models",
                        model.class_name(), ""});
    }
    return std::dynamic_pointer_cast<Model>(deserialize_layer(serialize_layer(model)).shared());
  }
  if (model.compiled()) compile_from_config(*out, compile_config(model));
  return out;
}

}  // namespace keras
