// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/input_layer.h"

#include "keras/base/error.h"
#include "keras/ops/operation.h"
#include "nn/layer_operation.h"

namespace keras {

namespace layers {

KERAS_REGISTER_LAYER(InputLayer);

InputLayer::InputLayer(InputLayerOptions options)
    : Layer({.name = options.name}), options_(std::move(options)) {
  if (options_.sparse || options_.ragged) {
    internal::fail<UnsupportedError>(
        {name(), "An input must be dense", options_.sparse ? "sparse=true" : "ragged=true", ""});
  }
  options_.dtype = dtype_name(options_.dtype.empty() ? floatx() : parse_dtype(options_.dtype));
  options_.name = name();
  core().convert_inputs = false;
  core().built = true;
  // The node's copy has no tensor: a tensor that held itself would never be freed.
  auto node = make_node(std::make_shared<internal::LayerOperation>(share(), CallArgs{}),
                        Nest(std::vector<Nest>{}), {}, {type()}, {name()});
  core().nodes.push_back(node);
  core().output_shapes = {options_.batch_shape};
  tensor_ = node_outputs(node).front();
}

namespace {

InputLayerOptions with_batch(const Shape& shape, const InputOptions& options) {
  Shape batched{options.batch_size ? Dim(*options.batch_size) : Dim::unknown()};
  for (const Dim d : shape) batched.push_back(d);
  return {.batch_shape = batched, .dtype = options.dtype, .name = options.name, .optional = options.optional};
}

}  // namespace

InputLayer::InputLayer(const Shape& shape, const InputOptions& options)
    : InputLayer(with_batch(shape, options)) {}

TensorType InputLayer::type() const { return {parse_dtype(options_.dtype), options_.batch_shape}; }

Nest InputLayer::output() const { return tensor_.defined() ? Nest(tensor_) : Layer::output(); }

std::shared_ptr<Layer> InputLayer::share() const { return std::make_shared<InputLayer>(*this); }

Json InputLayer::get_config() const {
  Options current = options_;
  current.name = name();
  return to_config(current);
}

Nest InputLayer::call_nest(const Nest& inputs, const CallArgs&) { return inputs; }

}  // namespace layers

Tensor Input(const Shape& shape, const InputOptions& options) {
  return layers::InputLayer(shape, options).output().tensor();
}

}  // namespace keras
