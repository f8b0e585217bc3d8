// SPDX-License-Identifier: Apache-2.0
// The side of Model that stands on a graph of layers.
#include <fmt/format.h>

#include <typeinfo>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "models/functional_graph.h"
#include "models/trainer_state.h"

namespace keras {

namespace {

// A model's name comes from "functional" until a subclass says otherwise.
LayerOptions named(LayerOptions options) {
  if (options.name.empty()) options.name = internal::auto_name("functional");
  return options;
}

}  // namespace

Model::Model(const Nest& inputs, const Nest& outputs, LayerOptions options)
    : Model(named(std::move(options))) {
  set_graph(std::make_shared<internal::FunctionalGraph>(name(), inputs, outputs));
  core().convert_inputs = false;
  core().built = true;
  core().path = name();
  std::vector<Shape> out;
  for (const Tensor& t : this->outputs()) out.push_back(t.shape());
  core().output_shapes = std::move(out);
  set_supports_masking();
}

namespace {

const internal::FunctionalGraph& graph_of(const Model& model, const char* member) {
  if (model.graph()) return *model.graph();
  internal::fail<ValueError>(
      {model.name(), fmt::format("Only functional and built Sequential models have {}()", member),
       model.class_name(), "make it with Model(inputs, outputs), or give the Sequential an Input"});
}

}  // namespace

Nest Model::input() const { return graph_of(*this, "input").inputs(); }

Nest Model::output() const { return graph_of(*this, "output").outputs(); }

std::string Model::class_name() const { return graph() ? "Functional" : "Model"; }

std::string Model::module() const {
  return class_name() == "Functional" ? "keras.src.models.functional" : Layer::module();
}

std::string Model::registered_name() const {
  return class_name() == "Functional" ? "Functional" : Layer::registered_name();
}

std::shared_ptr<Layer> Model::share() const {
  if (typeid(*this) != typeid(Model)) {
    internal::fail<UnsupportedError>({name(), "A subclass of Model must be named with KERAS_MODEL", "",
                                      "write KERAS_MODEL(YourClass, its layers) into its public part"});
  }
  return std::make_shared<Model>(*this);
}

Nest Model::call_nest(const Nest& inputs, const CallArgs& args) {
  if (!graph()) return Layer::call_nest(inputs, args);
  auto values = graph()->standardize(name(), inputs);
  // The mask of the call travels with the inputs, as the layers' masks do.
  if (!args.mask.is_none()) {
    const auto masks = args.mask.is_list() ? args.mask.list() : std::vector<Nest>{args.mask};
    for (size_t i = 0; i < masks.size() && i < values.size(); ++i) {
      if (masks[i].is_leaf()) values[i].set_mask(masks[i].tensor());
    }
  }
  Nest outputs = graph()->run(values);
  return outputs.is_list() && outputs.size() == 1 ? outputs[0] : outputs;
}

Nest Model::compute_mask(const Nest& inputs, const Nest& previous_mask) {
  // The layers of a graph have put masks on its outputs.
  return graph() ? Nest() : Layer::compute_mask(inputs, previous_mask);
}

std::vector<LayerHandle> Model::sublayers() const {
  if (!graph()) return Layer::sublayers();
  auto out = graph()->layers();
  for (const auto& own : Layer::sublayers()) {
    bool known = false;
    for (const auto& layer : out) known = known || layer->shared_core() == own->shared_core();
    if (!known) out.push_back(own);
  }
  return out;
}

std::vector<LayerHandle> Model::layers() const { return graph() ? graph()->layers() : sublayers(); }

Nest Model::standardize_inputs(const Nest& x) const {
  return graph() ? graph()->inputs().pack(graph()->standardize(name(), x)) : x;
}

std::vector<std::string> Model::output_names() const {
  std::vector<std::string> out;
  if (!graph()) return out;
  for (const Tensor& t : outputs()) {
    const auto& entry = graph()->entry_of(*symbolic_value(t)->node);
    out.push_back(entry.name());
  }
  return out;
}

}  // namespace keras
