// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/nn/layers/recurrent_wrappers.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/numpy.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(TimeDistributed);

namespace prim = internal::prim;

namespace {

Tensor batch_and_steps_exchanged(const Tensor& x) {
  std::vector<int> axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i < 2 ? 1 - i : i);
  return prim::transpose(x, axes);
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
  if (!inputs.dim(1).known()) {
    std::vector<Nest> slices{batch_and_steps_exchanged(inputs)};
    if (mask.defined()) slices.emplace_back(batch_and_steps_exchanged(mask));
    const auto f = [&](const Nest& slice) {
      return Nest(step(slice[0].tensor(), mask.defined() ? slice[1].tensor() : Tensor()));
    };
    return batch_and_steps_exchanged(ops::vectorized_map(f, Nest(std::move(slices))).tensor());
  }
  std::vector<Tensor> outputs;
  for (int64_t t = 0; t < inputs.dim(1).value(); ++t) {
    const Tensor valid = mask.defined() ? prim::index_axis(mask, 1, Dim(t)) : Tensor();
    outputs.push_back(prim::expand_dims(step(prim::index_axis(inputs, 1, Dim(t)), valid), 1));
  }
  if (outputs.empty()) {
    internal::fail<ValueError>({name(), "There must be at least one step", inputs.shape().to_string(), ""});
  }
  return prim::concat(outputs, 1);
}

}  // namespace keras::layers
