// SPDX-License-Identifier: Apache-2.0
#include "nn/layers/fused_recurrence.h"

#include "keras/base/error.h"
#include "keras/graph/attributes.h"
#include "ops/primitives.h"

namespace keras::internal {

namespace {

bool fused_activation(const Activation& activation) {
  switch (activation.fused_kind()) {
    case KERAS_ACT_LINEAR:
    case KERAS_ACT_RELU:
    case KERAS_ACT_RELU6:
    case KERAS_ACT_SIGMOID:
    case KERAS_ACT_TANH:
    case KERAS_ACT_HARD_SIGMOID:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool fused(const layers::RNN& layer, const Json& use_cudnn, const Activation& activation,
           const Activation& recurrent_activation, bool dropout_per_gate) {
  const bool possible =
      fused_activation(activation) && fused_activation(recurrent_activation) && !dropout_per_gate;
  if (use_cudnn.is_string() && use_cudnn.as_string() == "auto") return possible;
  if (!use_cudnn.is_bool()) {
    fail<ValueError>({layer.name(), "use_cudnn must be \"auto\", true or false", use_cudnn.dump(), ""});
  }
  if (use_cudnn.as_bool() && !possible) {
    fail<ValueError>({layer.name(),
                      "The fused op computes tanh, sigmoid, relu, relu6, hard_sigmoid and linear activations "
                      "without dropout per gate",
                      "use_cudnn=true", "use_cudnn = \"auto\""});
  }
  return use_cudnn.as_bool();
}

RecurrentAttributes fused_attributes(const layers::RNN& layer, const Activation& activation,
                                     const Activation& recurrent_activation) {
  auto attributes = make_attributes<RecurrentAttributes>();
  attributes.activation = activation.fused_kind();
  attributes.recurrent_activation = recurrent_activation.fused_kind();
  attributes.reverse = layer.go_backwards() ? 1 : 0;
  return attributes;
}

layers::RNN::Sequence fused_result(const layers::RNN& layer, const Tensors& results, const Tensor& mask) {
  layers::RNN::Sequence out;
  Tensor outputs = results[0];
  if (mask.defined() && layer.zero_output_for_mask()) {
    outputs = prim::select(prim::expand_dims(mask, 2), outputs, prim::zeros_like(outputs));
  }
  // With a mask the last output may be an earlier one, or zeros, where the state is another.
  out.last_output = results[1];
  if (mask.defined()) {
    out.last_output = prim::index_axis(outputs, 1, layer.go_backwards() ? Dim(0) : outputs.dim(1) - Dim(1));
  }
  if (layer.return_sequences()) out.outputs = layer.go_backwards() ? prim::reverse(outputs, {1}) : outputs;
  std::vector<Nest> states;
  for (size_t i = 1; i < results.size(); ++i) states.emplace_back(results[i]);
  out.states = Nest(std::move(states));
  return out;
}

}  // namespace keras::internal
