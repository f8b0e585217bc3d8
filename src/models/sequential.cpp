// SPDX-License-Identifier: Apache-2.0
#include "keras/models/sequential.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"

namespace keras {

namespace internal {

Tensor fit_to_input(std::string_view where, const Tensor& value, const TensorType& declared) {
  Tensor x = value;
  const int wanted = declared.shape.rank();
  if (x.rank() == wanted - 1 && declared.shape.back() == Dim(1)) {
    x = ops::expand_dims(x, -1);
  } else if (x.rank() == wanted + 1 && x.dim(-1) == Dim(1)) {
    x = ops::squeeze(x, -1);
  }
  bool fits = x.rank() == wanted;
  for (int i = 0; fits && i < wanted; ++i) {
    const Dim d = declared.shape[static_cast<size_t>(i)];
    const Dim given = x.shape()[static_cast<size_t>(i)];
    fits = !d.known() || !given.known() || d == given;
  }
  if (!fits) {
    fail<ValueError>({where, fmt::format("The input must have the shape {}", declared.shape.to_string()),
                      fmt::format("shape {}", value.shape().to_string()), ""});
  }
  return x.dtype() == declared.dtype ? x : ops::cast(x, declared.dtype);
}

}  // namespace internal

Sequential::Sequential(LayerOptions options) : Model(std::move(options)), state_(std::make_shared<State>()) {}

Sequential::Sequential(std::initializer_list<Item> items, LayerOptions options)
    : Sequential(std::move(options)) {
  for (const auto& item : items) add(item);
}

Sequential::Sequential(const std::vector<LayerHandle>& layers, LayerOptions options)
    : Sequential(std::move(options)) {
  for (const auto& layer : layers) add(layer);
}

void Sequential::add(const Item& item) {
  if (!item.layer()) {
    const auto* symbol = symbolic_value(item.input());
    if (symbol == nullptr) {
      internal::fail<TypeError>(
          {name(), "A Sequential model takes layers, and an Input in front", "a tensor", ""});
    }
    if (state_->input || !state_->layers.empty()) {
      internal::fail<ValueError>({name(), "The Input of a Sequential model comes first, and once",
                                  fmt::format("an Input after {} layers", state_->layers.size()), ""});
    }
    state_->input = TensorType{item.input().dtype(), item.input().shape()};
    state_->input_name = symbol->name;
    state_->given_input = true;
    return;
  }
  for (const auto& known : state_->layers) {
    if (known->name() == item.layer()->name()) {
      internal::fail<ValueError>({name(), "All layers of a Sequential model need names of their own",
                                  fmt::format("a second layer named '{}'", known->name()),
                                  "pass a name to the layer"});
    }
  }
  state_->layers.push_back(item.layer());
  core().built = false;
  rebuild();
}

LayerHandle Sequential::pop() {
  if (state_->layers.empty())
    internal::fail<ValueError>({name(), "There must be a layer to remove", "none", ""});
  LayerHandle last = state_->layers.back();
  state_->layers.pop_back();
  core().built = false;
  rebuild();
  return last;
}

void Sequential::rebuild() {
  if (state_->input && !state_->layers.empty()) ensure_built({state_->input->shape});
}

void Sequential::build(const Shape& input_shape) {
  if (!state_->input) {
    Shape open = input_shape;
    if (!open.empty()) open[0] = Dim::unknown();
    state_->input = TensorType{compute_dtype(), open};
  }
  // Running on shapes alone builds every layer and checks that they fit together.
  const AbstractEvaluation shapes_only;
  Nest x = AbstractEvaluation::tensor(*state_->input);
  for (const auto& layer : state_->layers) x = (*layer)(x);
}

Nest Sequential::call_nest(const Nest& inputs, const CallArgs& args) {
  Nest x = standardize_inputs(inputs);
  Nest mask = args.mask;
  for (size_t i = 0; i < state_->layers.size(); ++i) {
    CallArgs inner;
    inner.training = args.training;
    if (i == 0) inner.mask = mask;
    x = (*state_->layers[i])(x, inner);
  }
  return x;
}

Nest Sequential::compute_mask(const Nest&, const Nest&) { return {}; }

std::vector<LayerHandle> Sequential::sublayers() const { return state_->layers; }

std::vector<std::string> Sequential::output_names() const {
  if (state_->layers.empty()) return {};
  return {state_->layers.back()->name()};
}

Nest Sequential::standardize_inputs(const Nest& x) const {
  if (!state_->input || !x.is_leaf()) return x;
  Tensor fitted = internal::fit_to_input(name(), x.tensor(), *state_->input);
  if (const Tensor mask = x.tensor().mask(); mask.defined() && !fitted.same(x.tensor()))
    fitted.set_mask(mask);
  return fitted;
}

}  // namespace keras
