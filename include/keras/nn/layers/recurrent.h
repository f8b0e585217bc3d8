// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/nn/layers/recurrent_cells.h"

namespace keras {

/// The rows that the tables of all recurrent layers share.
template <class O>
constexpr auto recurrent_layer_fields() {
  return field_list(
      field<&O::return_sequences>("return_sequences", "Whether to give the outputs of all steps"),
      field<&O::return_state>("return_state", "Whether to give the last states, too"),
      field<&O::go_backwards>("go_backwards",
                              "Whether to begin at the last step and give outputs in that order"),
      field<&O::stateful>("stateful", "Whether a batch begins with the states of the one before it"),
      field<&O::unroll>("unroll", "Kept for files: steps of a known number are always unrolled"),
      field<&O::zero_output_for_mask>("zero_output_for_mask",
                                      "Whether masked steps give zeros and not the output before them"));
}

struct RNNOptions {
  LayerHandle cell = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool zero_output_for_mask = false;
  ObjectRef<Regularizer> activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<RNNOptions> {
  using O = RNNOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), recurrent_layer_fields<O>(),
                 field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
                 field<&O::cell>("cell", "The cell that makes a step"));
};

struct SimpleRNNOptions {
  int64_t units = 0;  ///< size of state and output
  ObjectRef<Activation> activation = "tanh";
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> recurrent_initializer = "orthogonal";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> recurrent_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  std::optional<int64_t> seed = {};
  bool zero_output_for_mask = false;
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SimpleRNNOptions> {
  using O = SimpleRNNOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), recurrent_layer_fields<O>(), recurrent_cell_fields<O>(),
                 field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
                 field<&O::seed>("seed", "Seed of the dropout masks"));
};

struct LSTMOptions {
  int64_t units = 0;  ///< size of state and output
  ObjectRef<Activation> activation = "tanh";
  ObjectRef<Activation> recurrent_activation = "sigmoid";
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> recurrent_initializer = "orthogonal";
  ObjectRef<Initializer> bias_initializer = "zeros";
  bool unit_forget_bias = true;
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> recurrent_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  std::optional<int64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  Json use_cudnn = "auto";  ///< of the fused op: "auto", true or false; not in configs
  bool zero_output_for_mask = false;
  int64_t implementation = 2;  ///< 1: dropout masks of their own for every gate; not in configs
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<LSTMOptions> {
  using O = LSTMOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), recurrent_layer_fields<O>(), recurrent_cell_fields<O>(),
      field<&O::recurrent_activation>("recurrent_activation", "Activation of the gates"),
      field<&O::unit_forget_bias>("unit_forget_bias", "Whether the forget gate's bias begins at 1"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::seed>("seed", "Seed of the dropout masks"),
      field<&O::use_cudnn>("use_cudnn", "Whether the fused op is used"),
      field<&O::implementation>("implementation", "1: dropout masks of their own for every gate"));
};

struct GRUOptions {
  int64_t units = 0;  ///< size of state and output
  ObjectRef<Activation> activation = "tanh";
  ObjectRef<Activation> recurrent_activation = "sigmoid";
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> recurrent_initializer = "orthogonal";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> recurrent_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Regularizer> activity_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  std::optional<int64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool reset_after = true;
  Json use_cudnn = "auto";  ///< of the fused op: "auto", true or false; not in configs
  bool zero_output_for_mask = false;
  int64_t implementation = 2;  ///< 1: dropout masks of their own for every gate; not in configs
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GRUOptions> {
  using O = GRUOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), recurrent_layer_fields<O>(), recurrent_cell_fields<O>(),
      field<&O::recurrent_activation>("recurrent_activation", "Activation of the gates"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::reset_after>("reset_after", "Whether the reset gate stands behind the matrix product"),
      field<&O::seed>("seed", "Seed of the dropout masks"),
      field<&O::use_cudnn>("use_cudnn", "Whether the fused op is used"),
      field<&O::implementation>("implementation", "1: dropout masks of their own for every gate"));
};

namespace layers {

/// Runs a cell over the steps of a sequence (keras.layers.RNN): (batch, steps, features...) to the last
/// output (batch, output_size), or all of them (batch, steps, output_size) with return_sequences; with
/// return_state a list of that and the last states.
///
/// The states begin with `initial_state` of the call (or the tensors after the first one of a list of
/// inputs), else with those of the batch before (stateful), else with the cell's. A mask (batch, steps) holds
/// the states at masked steps and repeats the output before them (zeros before the first), or gives zeros
/// with zero_output_for_mask.
///
/// Throws TypeError for a layer that is no cell; ValueError for inputs of another rank or number of features,
/// for states of another number or shape, for no steps, and, when stateful, for another batch size.
class RNN : public Layer {
 public:
  static constexpr const char* kClassName = "RNN";
  using Options = RNNOptions;
  explicit RNN(RNNOptions options);
  explicit RNN(LayerHandle cell, RNNOptions options = {});
  /// Over several cells, stacked.
  explicit RNN(std::vector<LayerHandle> cells, RNNOptions options = {});
  /// A recurrent layer is no cell: throws TypeError, where taking its base alone would lose the rest of it.
  template <std::derived_from<RNN> T>
  requires(!std::same_as<T, RNN>) explicit RNN(T layer, RNNOptions options = {})
      : RNN(LayerHandle(std::move(layer)), std::move(options)) {}
  std::string class_name() const override { return kClassName; }
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<RNN>(*this); }
  Json get_config() const override;
  void build(const Shape& input_shape) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  /// The shape of the first output.
  Shape compute_output_shape(const Shape& input_shape) const override;
  /// The mask for the first output when it has all steps, none for the states.
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

  bool return_sequences() const { return rnn_.return_sequences; }
  bool return_state() const { return rnn_.return_state; }
  bool go_backwards() const { return rnn_.go_backwards; }
  bool stateful() const { return rnn_.stateful; }
  bool unroll() const { return rnn_.unroll; }
  bool zero_output_for_mask() const { return rnn_.zero_output_for_mask; }
  /// What makes a step.
  AbstractRNNCell& cell() const { return *cell_; }
  /// Sizes of the states, one entry each.
  std::vector<StateSize> state_size() const;
  /// The states before the first step, a list.
  Nest get_initial_state(Dim batch_size) const;
  /// The states of a stateful layer, flattened; empty before it is built.
  std::vector<Variable> states() const;
  /// Makes the states of a stateful layer zero.
  void reset_state();
  /// The same, under its older name.
  void reset_states() { reset_state(); }

  /// What the steps give.
  struct Sequence {
    Tensor last_output;  ///< of the step that is computed last
    Tensor outputs;  ///< (batch, steps, ...) in the order of computation; undefined unless return_sequences
    Nest states;     ///< the last ones, in the structure of the first
  };

 protected:
  /// Runs the steps; `mask` is (batch, steps), bool, or undefined.
  virtual Sequence run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask, bool training);
  /// Inputs of exactly this rank; 0: at least 3.
  virtual int input_rank() const { return 0; }

  RNNOptions rnn_;

 private:
  friend class Bidirectional;
  void check_input(const Shape& shape) const;
  Nest first_states(const Nest& given, Dim batch) const;
  void make_states(int64_t batch);

  std::shared_ptr<AbstractRNNCell> cell_;
  std::shared_ptr<std::vector<Variable>> states_;  // of all copies of the layer
};

/// A recurrent layer over one of Keras' own cells, with one options struct for both.
template <class Derived, class CellType, class OptionsType>
class ConfiguredRNN : public RNN {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  std::shared_ptr<Layer> share() const override {
    return std::make_shared<Derived>(static_cast<const Derived&>(*this));
  }
  Json get_config() const override {
    Options current = options_;
    current.name = name();
    current.trainable = trainable();
    current.zero_output_for_mask = zero_output_for_mask();
    Json out = to_config(current);
    for (const char* key : {"implementation", "use_cudnn"}) out.erase(key);
    return out;
  }
  const Options& options() const { return options_; }
  /// The cell, which has the weights.
  CellType& cell() const { return static_cast<CellType&>(RNN::cell()); }

 protected:
  ConfiguredRNN(Options options, RNNOptions rnn) : RNN(std::move(rnn)), options_(std::move(options)) {}
  int input_rank() const override { return 3; }

  Options options_;
};

/// The fully connected recurrent layer (keras.layers.SimpleRNN): (batch, steps, features). See RNN and
/// SimpleRNNCell.
class SimpleRNN : public ConfiguredRNN<SimpleRNN, SimpleRNNCell, SimpleRNNOptions> {
 public:
  static constexpr const char* kClassName = "SimpleRNN";
  explicit SimpleRNN(SimpleRNNOptions options);
  explicit SimpleRNN(int64_t units, SimpleRNNOptions options = {});
  Json get_config() const override;

 protected:
  Sequence run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
               bool training) override;
};

/// Long short-term memory (Hochreiter and Schmidhuber, 1997; keras.layers.LSTM): (batch, steps, features).
/// See RNN and LSTMCell. The fused op computes it unless an activation or dropout per gate asks for single
/// steps; `use_cudnn = true` insists on it, with a ValueError, and false avoids it.
class LSTM : public ConfiguredRNN<LSTM, LSTMCell, LSTMOptions> {
 public:
  static constexpr const char* kClassName = "LSTM";
  explicit LSTM(LSTMOptions options);
  explicit LSTM(int64_t units, LSTMOptions options = {});

 protected:
  Sequence run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
               bool training) override;
};

/// Gated recurrent units (Cho et al., 2014; keras.layers.GRU): (batch, steps, features). See RNN and GRUCell;
/// the fused op is used as in LSTM.
class GRU : public ConfiguredRNN<GRU, GRUCell, GRUOptions> {
 public:
  static constexpr const char* kClassName = "GRU";
  explicit GRU(GRUOptions options);
  explicit GRU(int64_t units, GRUOptions options = {});

 protected:
  Sequence run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
               bool training) override;
};

}  // namespace layers
}  // namespace keras
