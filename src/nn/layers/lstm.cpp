// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/runtime/interpreter.h"
#include "nn/layers/fused_recurrence.h"
#include "nn/layers/recurrent_options.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(LSTMCell);
KERAS_REGISTER_LAYER(LSTM);

namespace prim = internal::prim;

namespace {

constexpr int64_t kGates = 4;

}  // namespace

LSTMCell::LSTMCell(LSTMCellOptions options)
    : ConfiguredCell(internal::checked_recurrent(options, kClassName),
                     options.implementation == 1 || options.recurrent_dropout > 0 ? kGates : 1) {}

LSTMCell::LSTMCell(int64_t units, LSTMCellOptions options)
    : LSTMCell(internal::with_units(std::move(options), units)) {}

void LSTMCell::build(const Shape& input_shape) {
  ObjectRef<Initializer> initializer = options_.bias_initializer;
  if (options_.unit_forget_bias) {
    initializer = [plain = options_.bias_initializer, units = options_.units](const Shape&, DType dtype) {
      return ops::concatenate(
          {(*plain)({units}, dtype), ops::ones({units}, dtype), (*plain)({2 * units}, dtype)});
    };
  }
  add_weights(input_shape, kGates, {kGates * options_.units}, initializer);
}

std::pair<Tensor, Nest> LSTMCell::step(const Tensor& inputs, const Nest& states, const CallArgs& args) {
  const Tensor x = as_float(inputs), h = states[0].tensor(), c = states[1].tensor();
  const bool training = args.training.value_or(false);
  const auto drops = [&](double rate) { return training && rate > 0 && rate < 1; };
  const std::vector<Tensor> none;
  const Tensor z =
      masked_product(x, drops(options_.dropout) ? dropout_masks(x) : none, kernel.value(), bias_value()) +
      masked_product(h, drops(options_.recurrent_dropout) ? recurrent_dropout_masks(h) : none,
                     recurrent_kernel.value(), Tensor());
  const auto gate = [&](int64_t k) {
    return prim::slice_axis(z, 1, Dim(k * options_.units), Dim((k + 1) * options_.units));
  };
  const Activation& activation = *options_.activation;
  const Activation& recurrent_activation = *options_.recurrent_activation;
  const Tensor next_c =
      recurrent_activation(gate(1)) * c + recurrent_activation(gate(0)) * activation(gate(2));
  const Tensor next_h = recurrent_activation(gate(3)) * activation(next_c);
  return {next_h, states.pack({next_h, next_c})};
}

LSTM::LSTM(LSTMOptions given)
    : ConfiguredRNN(internal::checked_recurrent(given, kClassName),
                    internal::rnn_options(
                        given, LSTMCell(internal::cell_options<LSTMCellOptions>(given, "lstm_cell")))) {}

LSTM::LSTM(int64_t units, LSTMOptions options) : LSTM(internal::with_units(std::move(options), units)) {}

RNN::Sequence LSTM::run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
                        bool training) {
  LSTMCell& c = cell();
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
  const Tensor bias = o.use_bias ? c.bias.value() : prim::full(Shape{recurrent.dim(1)}, 0, x.dtype());
  Tensors operands{x,   initial_state[0].tensor(), initial_state[1].tensor(), c.kernel.value(), recurrent,
                   bias};
  if (mask.defined()) operands.push_back(mask);
  const auto attributes = internal::fused_attributes(*this, *o.activation, *o.recurrent_activation);
  return internal::fused_result(*this, internal::apply(OpId::lstm_op, &attributes, operands), mask);
}

}  // namespace keras::layers
