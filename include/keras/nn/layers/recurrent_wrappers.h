// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keras/nn/layers/recurrent.h"

namespace keras {

struct BidirectionalOptions {
  LayerHandle layer = {};
  std::optional<std::string> merge_mode = "concat";
  std::vector<Tensor> weights = {};  ///< first weights: those of the forward layer, then the others; no row
  LayerHandle backward_layer = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<BidirectionalOptions> {
  using O = BidirectionalOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(),
      field<&O::merge_mode>("merge_mode", "How outputs become one: concat, sum, mul or ave; null: a list"),
      field<&O::layer>("layer", "The recurrent layer that goes forwards"),
      field<&O::backward_layer>("backward_layer", "The one that goes backwards; null: made like the other"));
};

struct TimeDistributedOptions {
  LayerHandle layer = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<TimeDistributedOptions> {
  using O = TimeDistributedOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::layer>("layer", "The layer that sees every step"));
};

namespace layers {

/// A recurrent layer in both directions (keras.layers.Bidirectional; Schuster and Paliwal, 1997). `layer` is
/// made anew from its config as "forward_<name>", and as "backward_<name>" with go_backwards turned round
/// unless there is a backward_layer. Outputs are merged by merge_mode; with return_state the states of both
/// follow. An initial state is that of the forward layer, then that of the backward one.
///
/// Throws TypeError for a layer that is no RNN; ValueError for an unknown merge_mode, for layers of one
/// direction, or for layers that differ in stateful, return_sequences or return_state.
class Bidirectional : public Layer {
 public:
  static constexpr const char* kClassName = "Bidirectional";
  using Options = BidirectionalOptions;
  explicit Bidirectional(BidirectionalOptions options);
  explicit Bidirectional(LayerHandle layer, BidirectionalOptions options = {});
  std::string class_name() const override { return kClassName; }
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<Bidirectional>(*this); }
  Json get_config() const override;
  void build(const Shape& input_shape) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  /// The shape of the first output.
  Shape compute_output_shape(const Shape& input_shape) const override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

  /// The layers of the two directions.
  RNN& forward_layer() const { return *forward_; }
  RNN& backward_layer() const { return *backward_; }
  /// The states of stateful layers, the forward one's first.
  std::vector<Variable> states() const;
  /// Makes the states zero. Throws ValueError unless the layers are stateful.
  void reset_state();
  /// The same, under its older name.
  void reset_states() { reset_state(); }

 private:
  Nest merge(const Tensor& forward, const Tensor& backward) const;

  BidirectionalOptions options_;
  std::shared_ptr<RNN> forward_, backward_;
};

/// A layer around another one (keras.layers.Wrapper). Derive from it and override `call`; the inner layer is
/// built with the input's shape unless `build` is overridden. Throws ValueError without a layer.
class Wrapper : public Layer {
 public:
  Json get_config() const override;
  void build(const Shape& input_shape) override;

  LayerHandle layer;  ///< the inner one

 protected:
  explicit Wrapper(LayerHandle inner, LayerOptions options = {});
};

/// Applies a layer to every step of (batch, steps, ...) by itself (keras.layers.TimeDistributed). A mask
/// (batch, steps, ...) is cut into steps, too. Throws ValueError for an input of fewer than three axes, or a
/// mask that does not fit it.
class TimeDistributed : public Wrapper {
 public:
  static constexpr const char* kClassName = "TimeDistributed";
  using Options = TimeDistributedOptions;
  explicit TimeDistributed(TimeDistributedOptions options);
  explicit TimeDistributed(LayerHandle inner, TimeDistributedOptions options = {});
  std::string class_name() const override { return kClassName; }
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<TimeDistributed>(*this); }
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
