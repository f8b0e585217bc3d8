// SPDX-License-Identifier: Apache-2.0
#include "keras/models/save.h"
#include "keras/models/sequential.h"
#include "keras/nn/layer_envelope.h"
#include "models/functional_graph.h"
#include "nn/layer_operation.h"

namespace keras {

namespace {

Json shape_json(const Shape& shape) { return FieldCodec<Shape>::to_json(shape); }

Json serialize_operation(const Operation& operation) {
  return ObjectEnvelope{operation.module(), operation.class_name(), operation.get_config(),
                        operation.registered_name(), nullptr}
      .to_json();
}

}  // namespace

Json serialize_layer(const Layer& layer) {
  const auto* model = dynamic_cast<const Model*>(&layer);
  if (model == nullptr) return layer_envelope(layer);
  Json out = serialize_object(layer);
  // Keras writes both keys for every model, also when there is nothing to tell.
  if (model->class_name() == "Functional") {
    out.set("build_config", Json::dict({{"input_shape", nullptr}}));
  } else if (model->built() && !layer.core().build_shapes.empty()) {
    out.set("build_config", Json::dict({{"input_shape", shape_json(layer.core().build_shapes.front())}}));
  }
  out.set("compile_config", compile_config(*model));
  return out;
}

Json Sequential::get_config() const {
  Json::List items;
  if (state_->input) items.push_back(serialize_object(*state_->input));
  for (const auto& layer : state_->layers) items.push_back(serialize_layer(*layer));
  Json out = Layer::get_config();  // NOLINT(bugprone-parent-virtual-call): Model's is that of its graph
  out.set("layers", Json(std::move(items)));
  if (state_->input) out.set("build_input_shape", shape_json(state_->input->options().batch_shape));
  return out;
}

namespace {

// Tensors as Keras writes them into nodes: KerasTensors by where they come from, constants by value.
class NodeWriter {
 public:
  explicit NodeWriter(const internal::FunctionalGraph& graph) : graph_(graph) {}

  Json node(const OperationNode& node) const {
    Json::List args;
    for (size_t i = 0; i < node.args.size(); ++i) {
      args.push_back(node.args[i].is_none() ? node.operation->plain_argument(i) : value(node.args[i]));
    }
    Json kwargs = Json::dict();
    if (const auto* call = dynamic_cast<const internal::LayerOperation*>(node.operation.get())) {
      kwargs = call->plain_kwargs();
    }
    if (node.kwargs.is_dict()) {
      for (const auto& [key, item] : node.kwargs.items()) kwargs.set(key, value(item));
    }
    return Json::dict({{"args", Json(std::move(args))}, {"kwargs", std::move(kwargs)}});
  }

  // ["dense", 0, 0]: the operation, which of its calls, which result.
  Json history(const Tensor& t, bool counts_own_node) const {
    const auto& symbol = *symbolic_value(t);
    const auto& entry = graph_.entry_of(*symbol.node);
    // Within a model's inputs and outputs, Keras counts a functional model's own node first.
    const bool functional = entry.layer != nullptr && entry.layer->class_name() == "Functional";
    const auto call =
        static_cast<int64_t>(graph_.call_index(*symbol.node)) + (counts_own_node && functional ? 1 : 0);
    return Json::list({entry.name(), call, symbol.output_index});
  }

  Json ends(const Nest& nest) const {
    if (nest.is_leaf()) return history(nest.tensor(), true);
    return over_items(nest, [this](const Nest& item) { return ends(item); });
  }

 private:
  Json value(const Nest& nest) const {
    if (!nest.is_leaf()) return over_items(nest, [this](const Nest& item) { return value(item); });
    const Tensor& t = nest.tensor();
    if (!is_keras_tensor(t)) return FieldCodec<Tensor>::to_json(t);
    return Json::dict({{"class_name", "__keras_tensor__"},
                       {"config", Json::dict({{"shape", shape_json(t.shape())},
                                              {"dtype", dtype_name(t.dtype())},
                                              {"keras_history", history(t, false)}})}});
  }

  template <class F>
  static Json over_items(const Nest& nest, const F& f) {
    if (nest.is_none()) return nullptr;
    if (nest.is_list()) {
      Json::List out;
      for (const Nest& item : nest.list()) out.push_back(f(item));
      return Json(std::move(out));
    }
    Json out = Json::dict();
    for (const auto& [key, item] : nest.items()) out.set(key, f(item));
    return out;
  }

  const internal::FunctionalGraph& graph_;
};

}  // namespace

Json Model::get_config() const {
  if (!graph()) return Layer::get_config();
  const NodeWriter writer(*graph());
  Json::List items;
  for (const auto& entry : graph()->operations()) {
    Json item = entry.layer ? serialize_layer(*entry.layer) : serialize_operation(*entry.operation);
    item.set("name", entry.name());
    Json::List nodes;
    for (const auto& node : entry.nodes) {
      if (node->args.size() > 0 || node->kwargs.is_dict()) nodes.push_back(writer.node(*node));
    }
    item.set("inbound_nodes", Json(std::move(nodes)));
    items.push_back(std::move(item));
  }
  return Json::dict({{"name", name()},
                     {"trainable", trainable()},
                     {"layers", Json(std::move(items))},
                     {"input_layers", writer.ends(graph()->inputs())},
                     {"output_layers", writer.ends(graph()->outputs())}});
}

}  // namespace keras
