// SPDX-License-Identifier: Apache-2.0
#include "keras/models/sequential.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/operation.h"
#include "keras/runtime/interpreter.h"
#include "models/functional_graph.h"
#include "nn/layer_operation.h"

namespace keras {

Sequential::Sequential(LayerOptions options) : Model(std::move(options)), state_(std::make_shared<State>()) {
  core().convert_inputs = false;
  set_supports_masking();
}

Sequential::Sequential(std::initializer_list<Item> items, LayerOptions options)
    : Sequential(std::move(options)) {
  for (const auto& item : items) append(item);
  rebuild();
}

Sequential::Sequential(const std::vector<LayerHandle>& layers, LayerOptions options)
    : Sequential(std::move(options)) {
  for (const auto& layer : layers) append(layer);
  rebuild();
}

void Sequential::add(const Item& item) {
  append(item);
  rebuild();
}

void Sequential::append(const Item& item) {
  const layers::InputLayer* input = dynamic_cast<layers::InputLayer*>(item.layer().shared().get());
  if (!item.layer()) {
    const auto* symbol = symbolic_value(item.input());
    const auto* call = symbol != nullptr && symbol->node != nullptr
                           ? dynamic_cast<internal::LayerOperation*>(symbol->node->operation.get())
                           : nullptr;
    if (call != nullptr) input = dynamic_cast<layers::InputLayer*>(call->layer().get());
    if (input == nullptr) {
      internal::fail<TypeError>(
          {name(), "A Sequential model takes layers, and an Input in front", "a tensor", ""});
    }
  }
  if (input != nullptr) {
    if (state_->input || !state_->layers.empty()) {
      internal::fail<ValueError>({name(), "The Input of a Sequential model comes first, and once",
                                  fmt::format("an Input after {} layers", state_->layers.size()), ""});
    }
    state_->input.emplace(input->options());
    state_->given_input = true;
    return;
  }
  const std::string& own = item.layer()->name();
  for (const auto& known : state_->layers) {
    if (known->name() == own) {
      internal::fail<ValueError>({name(), "All layers of a Sequential model need names of their own",
                                  fmt::format("a second layer named '{}'", known->name()),
                                  "pass a name to the layer"});
    }
  }
  state_->layers.push_back(item.layer());
}

LayerHandle Sequential::pop() {
  if (state_->layers.empty())
    internal::fail<ValueError>({name(), "There must be a layer to remove", "none", ""});
  LayerHandle last = state_->layers.back();
  state_->layers.pop_back();
  rebuild();
  return last;
}

void Sequential::rebuild() {
  core().built = false;
  set_graph(nullptr);
  if (!state_->given_input) state_->input.reset();
  if (state_->input && !state_->layers.empty()) ensure_built({state_->input->options().batch_shape});
}

void Sequential::build(const Shape& input_shape) {
  if (!state_->input) {
    Shape open = input_shape;
    if (!open.empty()) open[0] = Dim::unknown();
    const DType dtype = state_->layers.empty() ? compute_dtype() : state_->layers.front()->compute_dtype();
    state_->input.emplace(InputLayerOptions{.batch_shape = open, .dtype = std::string(dtype_name(dtype))});
  }
  if (state_->layers.empty()) return;
  // The graph is made with real nodes even when this model is first met inside of another's trace.
  const internal::InterpreterScope eager(internal::eager_interpreter(),
                                         internal::InterpreterScope::Replace{});
  const Tensor input = state_->input->output().tensor();
  Nest x = input;
  for (const auto& layer : state_->layers) x = (*layer)(x);
  set_graph(std::make_shared<internal::FunctionalGraph>(name(), input, x));
}

Nest Sequential::call_nest(const Nest& inputs, const CallArgs& args) {
  if (graph()) return Model::call_nest(inputs, args);
  if (state_->layers.empty()) {
    internal::fail<ValueError>(
        {name(), "A Sequential model needs layers before it is called", "none", "call model.add(layer)"});
  }
  Nest x = inputs;
  for (const auto& layer : state_->layers) x = (*layer)(x, {.training = args.training});
  return x;
}

std::vector<LayerHandle> Sequential::sublayers() const { return state_->layers; }

std::vector<std::string> Sequential::output_names() const {
  if (state_->layers.empty()) return {};
  return {state_->layers.back()->name()};
}

}  // namespace keras
