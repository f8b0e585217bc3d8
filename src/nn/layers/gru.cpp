// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/runtime/interpreter.h"
#include "nn/layers/fused_recurrence.h"
#include "nn/layers/recurrent_options.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(GRUCell);
KERAS_REGISTER_LAYER(GRU);

namespace prim = internal::prim;

namespace {

constexpr int64_t kGates = 3;

}  // namespace

GRUCell::GRUCell(GRUCellOptions options)
    : ConfiguredCell(internal::checked_recurrent(options, kClassName),
                     options.implementation == 1 || options.recurrent_dropout > 0 ? kGates : 1) {}

GRUCell::GRUCell(int64_t units, GRUCellOptions options)
    : GRUCell(internal::with_units(std::move(options), units)) {}

void GRUCell::build(const Shape& input_shape) {
  const int64_t width = kGates * options_.units;
  add_weights(input_shape, kGates, options_.reset_after ? Shape{2, width} : Shape{width},
              options_.bias_initializer);
}

std::pair<Tensor, Nest> GRUCell::step(const Tensor& inputs, const Nest& states, const CallArgs& args) {
  const Tensor in = as_float(inputs), h = states[0].tensor();
  const int64_t units = options_.units;
  const bool training = args.training.value_or(false), after = options_.reset_after;
  const auto drops = [&](double rate) { return training && rate > 0 && rate < 1; };
  const auto gates = [units](const Tensor& t, int64_t first, int64_t end) {
    return prim::slice_axis(t, 1, Dim(first * units), Dim(end * units));
  };
  std::vector<Tensor> input_masks, state_masks;
  if (drops(options_.dropout)) input_masks = dropout_masks(in);
  if (drops(options_.recurrent_dropout)) state_masks = recurrent_dropout_masks(h);
  Tensor bias_of_inputs = bias_value(), bias_of_states;
  if (options_.use_bias && after) {
    bias_of_states = prim::index_axis(bias_of_inputs, 0, Dim(1));
    bias_of_inputs = prim::index_axis(bias_of_inputs, 0, Dim(0));
  }
  const Tensor x = masked_product(in, input_masks, kernel.value(), bias_of_inputs);
  const Tensor recurrent = recurrent_kernel.value();
  const std::vector<Tensor> early_masks =
      after || state_masks.empty() ? state_masks : std::vector<Tensor>{state_masks[0], state_masks[1]};
  const Tensor inner =
      masked_product(h, early_masks, after ? recurrent : gates(recurrent, 0, 2), bias_of_states);
  const Activation& recurrent_activation = *options_.recurrent_activation;
  const Tensor z = recurrent_activation(gates(x, 0, 1) + gates(inner, 0, 1));
  const Tensor r = recurrent_activation(gates(x, 1, 2) + gates(inner, 1, 2));
  Tensor candidate;
  if (after) {
    candidate = r * gates(inner, 2, 3);
  } else {
    const Tensor late = state_masks.empty() ? h : h * state_masks[2];
    candidate = masked_product(r * late, {}, gates(recurrent, 2, 3), Tensor());
  }
  candidate = (*options_.activation)(gates(x, 2, 3) + candidate);
  const Tensor next = z * h + (1 - z) * candidate;
  return {next, states.pack({next})};
}

GRU::GRU(GRUOptions given)
    : ConfiguredRNN(
          internal::checked_recurrent(given, kClassName),
          internal::rnn_options(given, GRUCell(internal::cell_options<GRUCellOptions>(given, "gru_cell")))) {}

GRU::GRU(int64_t units, GRUOptions options) : GRU(internal::with_units(std::move(options), units)) {}

RNN::Sequence GRU::run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
                       bool training) {
  GRUCell& c = cell();
  const auto& o = c.options();
  const auto drops = [&](double rate) { return training && rate > 0 && rate < 1; };
  const bool per_gate =
      drops(o.recurrent_dropout) || (drops(o.dropout) && (o.implementation == 1 || o.recurrent_dropout > 0));
  if (!internal::fused(*this, options_.use_cudnn, *o.activation, *o.recurrent_activation, per_gate)) {
    return RNN::run(sequences, initial_state, mask, training);
  }
  Tensor x = c.as_float(sequences);
  if (drops(o.dropout)) x = x * prim::expand_dims(c.dropout_masks(prim::index_axis(x, 1, Dim(0)))[0], 1);
  const Tensor recurrent = c.recurrent_kernel.value();
  const Shape bias_shape = o.reset_after ? Shape{2, recurrent.dim(1)} : Shape{recurrent.dim(1)};
  const Tensor bias = o.use_bias ? c.bias.value() : prim::full(bias_shape, 0, x.dtype());
  Tensors operands{x, initial_state[0].tensor(), c.kernel.value(), recurrent, bias};
  if (mask.defined()) operands.push_back(mask);
  auto attributes = internal::fused_attributes(*this, *o.activation, *o.recurrent_activation);
  attributes.reset_after = o.reset_after ? 1 : 0;
  return internal::fused_result(*this, internal::apply(OpId::gru_op, &attributes, operands), mask);
}

}  // namespace keras::layers
