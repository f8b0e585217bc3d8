// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "keras/base/error.h"
#include "keras/nn/layers/recurrent_wrappers.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/numpy.h"
#include "nn/recurrent_loop.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(TimeDistributed);

namespace prim = internal::prim;

namespace {

// Layers of Keras' own that see every sample by itself, without chance or state: all steps are one batch to
// them.
constexpr const char* kBySample[] = {"Dense",
                                     "EinsumDense",
                                     "Embedding",
                                     "Conv1D",
                                     "Conv2D",
                                     "Conv3D",
                                     "Conv1DTranspose",
                                     "Conv2DTranspose",
                                     "Conv3DTranspose",
                                     "DepthwiseConv1D",
                                     "DepthwiseConv2D",
                                     "SeparableConv1D",
                                     "SeparableConv2D",
                                     "MaxPooling1D",
                                     "MaxPooling2D",
                                     "MaxPooling3D",
                                     "AveragePooling1D",
                                     "AveragePooling2D",
                                     "AveragePooling3D",
                                     "GlobalMaxPooling2D",
                                     "GlobalMaxPooling3D",
                                     "GlobalAveragePooling2D",
                                     "GlobalAveragePooling3D",
                                     "LayerNormalization",
                                     "Activation",
                                     "ReLU",
                                     "Flatten",
                                     "Reshape",
                                     "Permute"};

bool by_sample(const Layer& layer) {
  const std::string name = layer.class_name();
  return layer.module() == "keras.layers" &&
         std::any_of(std::begin(kBySample), std::end(kBySample), [&](const char* n) { return name == n; });
}

bool may_agree(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

}  // namespace

Wrapper::Wrapper(LayerHandle inner, LayerOptions options)
    : Layer(std::move(options)), layer(std::move(inner)) {
  if (!layer) {
    internal::fail<ValueError>({"Wrapper", "There must be a layer to wrap", "none", ""});
  }
  track("layer", layer);
}

Json Wrapper::get_config() const {
  Json out = Layer::get_config();
  out.set("layer", layer_envelope(*layer));
  return out;
}

void Wrapper::build(const Shape& input_shape) { layer->ensure_built({input_shape}); }

TimeDistributed::TimeDistributed(TimeDistributedOptions options)
    : Wrapper(options.layer, {options.name, options.trainable, options.dtype}) {
  set_supports_masking();
}

TimeDistributed::TimeDistributed(LayerHandle inner, TimeDistributedOptions options)
    : TimeDistributed([&] {
        options.layer = std::move(inner);
        return std::move(options);
      }()) {}

void TimeDistributed::build(const Shape& input_shape) {
  if (input_shape.rank() < 3) {
    internal::fail<ValueError>(
        {name(), "The input must have at least 3 axes: (batch, steps, ...)", input_shape.to_string(), ""});
  }
  Shape step = input_shape;
  step.erase(1);
  Wrapper::build(step);
}

Tensor TimeDistributed::call(const Tensor& inputs, const CallArgs& args) {
  if (inputs.rank() < 3) {
    internal::fail<ValueError>(
        {name(), "The input must have at least 3 axes: (batch, steps, ...)", inputs.shape().to_string(), ""});
  }
  const Tensor mask = args.mask.is_leaf() ? args.mask.tensor() : Tensor();
  if (mask.defined() &&
      (mask.rank() < 2 || !may_agree(mask.dim(0), inputs.dim(0)) || !may_agree(mask.dim(1), inputs.dim(1)))) {
    internal::fail<ValueError>(
        {name(), "The mask's first axes must be the input's: (batch, steps)",
         fmt::format("mask {}, input {}", mask.shape().to_string(), inputs.shape().to_string()), ""});
  }
  // As in Keras, the layer's own call: what stands around it (masks, penalties on outputs) is this layer's.
  const auto step = [&](const Tensor& x, const Tensor& valid) {
    CallArgs own;
    own.training = args.training;
    if (valid.defined()) own.mask = valid;
    return layer->call_nest(x, own).tensor();
  };
  if (by_sample(*layer) && !(inputs.dim(0) == Dim(0))) {
    const Shape& shape = inputs.shape();
    const Tensor flat = prim::reshape(inputs, Shape{shape[0] * shape[1]} + shape.sub(2));
    const Tensor y = step(flat, Tensor());
    return prim::reshape(y, shape.sub(0, 2) + y.shape().sub(1));
  }
  if (!inputs.dim(1).known()) {
    std::vector<Nest> slices{internal::batch_and_steps_exchanged(inputs)};
    if (mask.defined()) slices.emplace_back(internal::batch_and_steps_exchanged(mask));
    const auto f = [&](const Nest& slice) {
      return Nest(step(slice[0].tensor(), mask.defined() ? slice[1].tensor() : Tensor()));
    };
    return internal::batch_and_steps_exchanged(ops::vectorized_map(f, Nest(std::move(slices))).tensor());
  }
  std::vector<Tensor> outputs;
  for (const Tensor& x : internal::steps_of(inputs)) {
    const Dim t(static_cast<int64_t>(outputs.size()));
    const Tensor valid = mask.defined() ? prim::index_axis(mask, 1, t) : Tensor();
    outputs.push_back(prim::expand_dims(step(x, valid), 1));
  }
  if (outputs.empty()) {
    internal::fail<ValueError>({name(), "There must be at least one step", inputs.shape().to_string(), ""});
  }
  return prim::concat(outputs, 1);
}

}  // namespace keras::layers
