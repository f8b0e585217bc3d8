// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/layers/recurrent_options.h"
#include "nn/recurrent_loop.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(SimpleRNNCell);
KERAS_REGISTER_LAYER(SimpleRNN);

namespace prim = internal::prim;

SimpleRNNCell::SimpleRNNCell(SimpleRNNCellOptions options)
    : ConfiguredCell(internal::checked_recurrent(std::move(options), kClassName), 1) {}

SimpleRNNCell::SimpleRNNCell(int64_t units, SimpleRNNCellOptions options)
    : SimpleRNNCell(internal::with_units(std::move(options), units)) {}

void SimpleRNNCell::build(const Shape& input_shape) {
  add_weights(input_shape, 1, {options_.units}, options_.bias_initializer);
}

Tensor SimpleRNNCell::project(const Tensor& x, const Tensor& like, bool training) {
  Tensor seen = as_float(x);
  if (training && options_.dropout > 0) {
    const Tensor& mask = dropout_masks(as_float(like))[0];
    seen = seen * (x.rank() == like.rank() ? mask : prim::expand_dims(mask, 1));
  }
  return masked_product(seen, {}, kernel.value(), bias_value());
}

Tensor SimpleRNNCell::advance(const Tensor& projected, const Tensor& h, bool training) {
  const bool drop = training && options_.recurrent_dropout > 0;
  const Tensor recurrent = masked_product(h, drop ? recurrent_dropout_masks(h) : std::vector<Tensor>(),
                                          recurrent_kernel.value(), Tensor());
  return (*options_.activation)(projected + recurrent);
}

std::pair<Tensor, Nest> SimpleRNNCell::step(const Tensor& inputs, const Nest& states, const CallArgs& args) {
  const bool training = args.training.value_or(false);
  const Tensor y = advance(project(inputs, inputs, training), states[0].tensor(), training);
  return {y, states.pack({y})};
}

SimpleRNN::SimpleRNN(SimpleRNNOptions given)
    : ConfiguredRNN(internal::checked_recurrent(given, kClassName),
                    internal::rnn_options(given, SimpleRNNCell(internal::cell_options<SimpleRNNCellOptions>(
                                                     given, "simple_rnn_cell")))) {}

SimpleRNN::SimpleRNN(int64_t units, SimpleRNNOptions options)
    : SimpleRNN(internal::with_units(std::move(options), units)) {}

Json SimpleRNN::get_config() const {
  Json out = ConfiguredRNN::get_config();
  out.erase("seed");  // Keras does not write it
  return out;
}

RNN::Sequence SimpleRNN::run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
                             bool training) {
  // The inputs' part of all steps is one product.
  SimpleRNNCell& c = cell();
  const Tensor projected = c.project(sequences, prim::index_axis(sequences, 1, Dim(0)), training);
  const auto step = [&](const Tensor& p, const std::vector<Tensor>& states) {
    const Tensor y = c.advance(p, states[0], training);
    return std::pair{y, std::vector<Tensor>{y}};
  };
  const internal::RecurrentLoop loop{go_backwards(), zero_output_for_mask(), return_sequences()};
  auto result = internal::run_recurrent(loop, step, projected, initial_state.flatten(), mask);
  return {result.last_output, result.outputs, initial_state.pack(result.states)};
}

}  // namespace keras::layers
