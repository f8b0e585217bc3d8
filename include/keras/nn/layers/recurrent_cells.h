// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "keras/nn/activations.h"
#include "keras/nn/layers/rnn_cell.h"

namespace keras {

/// The rows that the tables of Keras' own cells, and of their layers, share.
template <class O>
constexpr auto recurrent_cell_fields() {
  return field_list(
      field<&O::units>("units", "Size of state and output"),
      field<&O::activation>("activation", "Activation of the output and of candidates"),
      field<&O::use_bias>("use_bias", "Whether a bias is added"),
      field<&O::kernel_initializer>("kernel_initializer", "First value of the inputs' kernel"),
      field<&O::recurrent_initializer>("recurrent_initializer", "First value of the states' kernel"),
      field<&O::bias_initializer>("bias_initializer", "First value of the bias"),
      field<&O::kernel_regularizer>("kernel_regularizer", "Penalty on the inputs' kernel"),
      field<&O::recurrent_regularizer>("recurrent_regularizer", "Penalty on the states' kernel"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the bias"),
      field<&O::kernel_constraint>("kernel_constraint", "Constraint of the inputs' kernel"),
      field<&O::recurrent_constraint>("recurrent_constraint", "Constraint of the states' kernel"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the bias"),
      field<&O::dropout>("dropout", "Fraction of the inputs set to zero in training"),
      field<&O::recurrent_dropout>("recurrent_dropout", "Fraction of the states set to zero in training"));
}

struct SimpleRNNCellOptions {
  int64_t units = 0;  ///< size of state and output
  ObjectRef<Activation> activation = "tanh";
  bool use_bias = true;
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";
  ObjectRef<Initializer> recurrent_initializer = "orthogonal";
  ObjectRef<Initializer> bias_initializer = "zeros";
  ObjectRef<Regularizer> kernel_regularizer = {};
  ObjectRef<Regularizer> recurrent_regularizer = {};
  ObjectRef<Regularizer> bias_regularizer = {};
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  std::optional<int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SimpleRNNCellOptions> {
  using O = SimpleRNNCellOptions;
  static constexpr auto fields = field_list(layer_fields<O>(), recurrent_cell_fields<O>(),
                                            field<&O::seed>("seed", "Seed of the dropout masks"));
};

struct LSTMCellOptions {
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
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  std::optional<int64_t> seed = {};
  int64_t implementation = 2;  ///< 1: dropout masks of their own for every gate; not in configs
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<LSTMCellOptions> {
  using O = LSTMCellOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), recurrent_cell_fields<O>(),
      field<&O::recurrent_activation>("recurrent_activation", "Activation of the gates"),
      field<&O::unit_forget_bias>("unit_forget_bias", "Whether the forget gate's bias begins at 1"),
      field<&O::seed>("seed", "Seed of the dropout masks"),
      field<&O::implementation>("implementation", "1: dropout masks of their own for every gate"));
};

struct GRUCellOptions {
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
  ObjectRef<Constraint> kernel_constraint = {};
  ObjectRef<Constraint> recurrent_constraint = {};
  ObjectRef<Constraint> bias_constraint = {};
  double dropout = 0.0;
  double recurrent_dropout = 0.0;
  bool reset_after = true;
  std::optional<int64_t> seed = {};
  int64_t implementation = 2;  ///< 1: dropout masks of their own for every gate; not in configs
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GRUCellOptions> {
  using O = GRUCellOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), recurrent_cell_fields<O>(),
      field<&O::recurrent_activation>("recurrent_activation", "Activation of the gates"),
      field<&O::reset_after>("reset_after", "Whether the reset gate stands behind the matrix product"),
      field<&O::seed>("seed", "Seed of the dropout masks"),
      field<&O::implementation>("implementation", "1: dropout masks of their own for every gate"));
};

namespace layers {

/// A cell of Keras' own: kernels of inputs and states, a bias, and one options struct.
template <class Derived, class OptionsType>
class ConfiguredCell : public DropoutRNNCell {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override {
    return std::make_shared<Derived>(static_cast<const Derived&>(*this));
  }
  Json get_config() const override {
    Options current = options_;
    current.name = name();
    current.trainable = trainable();
    Json out = to_config(current);
    out.erase("implementation");
    return out;
  }
  StateSize state_size() const override { return options_.units; }
  const Options& options() const { return options_; }

  Variable kernel;            ///< (features, gates * units)
  Variable recurrent_kernel;  ///< (units, gates * units)
  Variable bias;              ///< see the class; empty without use_bias

 protected:
  ConfiguredCell(Options options, size_t mask_count)
      : DropoutRNNCell({options.name, options.trainable, options.dtype}, options.dropout,
                       options.recurrent_dropout, options.seed, mask_count),
        options_(std::move(options)) {}
  /// Makes the weights for inputs (batch, features).
  void add_weights(const Shape& input_shape, int64_t gates, const Shape& bias_shape,
                   const ObjectRef<Initializer>& bias_initializer) {
    const int64_t width = gates * options_.units;
    add_weight(kernel, "kernel", {input_shape.back(), width},
               {.initializer = options_.kernel_initializer,
                .regularizer = options_.kernel_regularizer,
                .constraint = options_.kernel_constraint});
    add_weight(recurrent_kernel, "recurrent_kernel", {options_.units, width},
               {.initializer = options_.recurrent_initializer,
                .regularizer = options_.recurrent_regularizer,
                .constraint = options_.recurrent_constraint});
    if (!options_.use_bias) return;
    add_weight(bias, "bias", bias_shape,
               {.initializer = bias_initializer,
                .regularizer = options_.bias_regularizer,
                .constraint = options_.bias_constraint});
  }
  /// The bias as ops see it; undefined without one.
  Tensor bias_value() const { return options_.use_bias ? bias.value() : Tensor(); }

  Options options_;
};

/// activation(x kernel + bias + h recurrent_kernel), which is also the next state
/// (keras.layers.SimpleRNNCell). Throws ValueError for units below 1.
class SimpleRNNCell : public ConfiguredCell<SimpleRNNCell, SimpleRNNCellOptions> {
 public:
  static constexpr const char* kClassName = "SimpleRNNCell";
  explicit SimpleRNNCell(SimpleRNNCellOptions options);
  explicit SimpleRNNCell(int64_t units, SimpleRNNCellOptions options = {});
  void build(const Shape& input_shape) override;
  std::pair<Tensor, Nest> step(const Tensor& inputs, const Nest& states, const CallArgs& args) override;

 private:
  friend class SimpleRNN;
  /// x kernel + bias for an input (..., features), with dropout by the masks of `like`.
  Tensor project(const Tensor& x, const Tensor& like, bool training);
  /// The output for such a projection of one step.
  Tensor advance(const Tensor& projected, const Tensor& h, bool training);
};

/// Long short-term memory (Hochreiter and Schmidhuber, 1997; keras.layers.LSTMCell): states h and c, gates i,
/// f, c, o side by side in the kernels and in the bias (4 units). Throws ValueError for units below 1.
class LSTMCell : public ConfiguredCell<LSTMCell, LSTMCellOptions> {
 public:
  static constexpr const char* kClassName = "LSTMCell";
  explicit LSTMCell(LSTMCellOptions options);
  explicit LSTMCell(int64_t units, LSTMCellOptions options = {});
  StateSize state_size() const override { return {options_.units, options_.units}; }
  void build(const Shape& input_shape) override;
  std::pair<Tensor, Nest> step(const Tensor& inputs, const Nest& states, const CallArgs& args) override;

 private:
  friend class LSTM;
};

/// Gated recurrent unit (Cho et al., 2014; keras.layers.GRUCell): gates z, r, h side by side in the kernels;
/// bias (2, 3 units), for inputs and states, with reset_after, else (3 units). Throws ValueError for units
/// below 1.
class GRUCell : public ConfiguredCell<GRUCell, GRUCellOptions> {
 public:
  static constexpr const char* kClassName = "GRUCell";
  explicit GRUCell(GRUCellOptions options);
  explicit GRUCell(int64_t units, GRUCellOptions options = {});
  void build(const Shape& input_shape) override;
  std::pair<Tensor, Nest> step(const Tensor& inputs, const Nest& states, const CallArgs& args) override;

 private:
  friend class GRU;
};

}  // namespace layers
}  // namespace keras
