// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "keras/base/error.h"
#include "keras/nn/layers/recurrent.h"

namespace keras::internal {

/// The options as a cell, or the layer around it, keeps them. Throws ValueError for units below 1.
template <class Options>
Options checked_recurrent(Options options, const char* where) {
  if (options.units < 1) {
    fail<ValueError>({where, "units must be a positive integer", fmt::format("units={}", options.units), ""});
  }
  if (!options.activation) options.activation = "linear";
  if constexpr (requires { options.recurrent_activation; }) {
    if (!options.recurrent_activation) options.recurrent_activation = "linear";
  }
  // As in Keras, a rate outside of [0, 1] is moved to the nearest end.
  options.dropout = std::clamp(options.dropout, 0.0, 1.0);
  options.recurrent_dropout = std::clamp(options.recurrent_dropout, 0.0, 1.0);
  return options;
}

/// The cell's share of a layer's options.
template <class CellOptions, class LayerOptions>
CellOptions cell_options(const LayerOptions& from, const char* name) {
  CellOptions to;
  to.units = from.units;
  to.activation = from.activation;
  if constexpr (requires { to.recurrent_activation; }) to.recurrent_activation = from.recurrent_activation;
  to.use_bias = from.use_bias;
  to.kernel_initializer = from.kernel_initializer;
  to.recurrent_initializer = from.recurrent_initializer;
  to.bias_initializer = from.bias_initializer;
  if constexpr (requires { to.unit_forget_bias; }) to.unit_forget_bias = from.unit_forget_bias;
  to.kernel_regularizer = from.kernel_regularizer;
  to.recurrent_regularizer = from.recurrent_regularizer;
  to.bias_regularizer = from.bias_regularizer;
  to.kernel_constraint = from.kernel_constraint;
  to.recurrent_constraint = from.recurrent_constraint;
  to.bias_constraint = from.bias_constraint;
  to.dropout = from.dropout;
  to.recurrent_dropout = from.recurrent_dropout;
  if constexpr (requires { to.reset_after; }) to.reset_after = from.reset_after;
  if constexpr (requires { to.implementation; }) to.implementation = from.implementation;
  to.seed = from.seed;
  to.name = name;
  to.trainable = from.trainable;
  to.dtype = from.dtype;
  return to;
}

/// RNN's share of a layer's options.
template <class LayerOptions>
RNNOptions rnn_options(const LayerOptions& from, LayerHandle cell) {
  RNNOptions to;
  to.cell = std::move(cell);
  to.return_sequences = from.return_sequences;
  to.return_state = from.return_state;
  to.go_backwards = from.go_backwards;
  to.stateful = from.stateful;
  to.unroll = from.unroll;
  to.zero_output_for_mask = from.zero_output_for_mask;
  to.activity_regularizer = from.activity_regularizer;
  to.name = from.name;
  to.trainable = from.trainable;
  to.dtype = from.dtype;
  return to;
}

/// The options with their number of units.
template <class Options>
Options with_units(Options options, int64_t units) {
  options.units = units;
  return options;
}

}  // namespace keras::internal
