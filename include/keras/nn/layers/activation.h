// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/activations.h"
#include "keras/nn/layer.h"
#include "keras/ops/arguments.h"

namespace keras {

struct ActivationLayerOptions {
  ObjectRef<Activation> activation = {};  ///< the function
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ActivationLayerOptions> {
  using O = ActivationLayerOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::activation>("activation", "The function"));
};

struct ReLUOptions {
  std::optional<double> max_value = {};  ///< upper bound of the output
  double negative_slope = 0.0;           ///< factor below the threshold
  double threshold = 0.0;                ///< values up to it give 0
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ReLUOptions> {
  using O = ReLUOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::max_value>("max_value", "Upper bound of the output"),
                 field<&O::negative_slope>("negative_slope", "Factor below the threshold"),
                 field<&O::threshold>("threshold", "Values up to it give 0"));
};

struct LeakyReLUOptions {
  double negative_slope = 0.3;  ///< factor of negative values
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<LeakyReLUOptions> {
  using O = LeakyReLUOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::negative_slope>("negative_slope", "Factor of negative values"));
};

struct PReLUOptions {
  ObjectRef<Initializer> alpha_initializer = "zeros";    ///< first value of the slopes
  ObjectRef<Regularizer> alpha_regularizer = {};         ///< penalty on the slopes
  ObjectRef<Constraint> alpha_constraint = {};           ///< constraint of the slopes
  std::optional<std::vector<int64_t>> shared_axes = {};  ///< axes along which one slope serves all
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<PReLUOptions> {
  using O = PReLUOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::alpha_initializer>("alpha_initializer", "First value of the slopes"),
      field<&O::alpha_regularizer>("alpha_regularizer", "Penalty on the slopes"),
      field<&O::alpha_constraint>("alpha_constraint", "Constraint of the slopes"),
      field<&O::shared_axes>("shared_axes", "Axes along which one slope serves all"));
};

struct ELUOptions {
  double alpha = 1.0;  ///< size of the negative part
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ELUOptions> {
  using O = ELUOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::alpha>("alpha", "Size of the negative part"));
};

struct SoftmaxOptions {
  ops::Axis axis = -1;  ///< axis, or axes, that add up to 1
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SoftmaxOptions> {
  using O = SoftmaxOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axis, or axes, that add up to 1"));
};

namespace layers {

/// An activation function as a layer (keras.layers.Activation).
class Activation : public ConfiguredLayer<Activation, ActivationLayerOptions> {
 public:
  static constexpr const char* kClassName = "Activation";
  bool overrides_build() const override { return false; }
  explicit Activation(ActivationLayerOptions options);
  explicit Activation(ObjectRef<::keras::Activation> activation, ActivationLayerOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// max(x, 0) with a bound, a threshold and a slope below it (keras.layers.ReLU). Throws ValueError for a
/// negative argument.
class ReLU : public ConfiguredLayer<ReLU, ReLUOptions> {
 public:
  static constexpr const char* kClassName = "ReLU";
  bool overrides_build() const override { return false; }
  explicit ReLU(ReLUOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// x where positive, else negative_slope x (keras.layers.LeakyReLU; Maas et al., 2013).
class LeakyReLU : public ConfiguredLayer<LeakyReLU, LeakyReLUOptions> {
 public:
  static constexpr const char* kClassName = "LeakyReLU";
  bool overrides_build() const override { return false; }
  explicit LeakyReLU(LeakyReLUOptions options = {});
  explicit LeakyReLU(double negative_slope, LeakyReLUOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// x where positive, else alpha x with a learned alpha for each element (keras.layers.PReLU; He et al.,
/// 2015).
class PReLU : public ConfiguredLayer<PReLU, PReLUOptions> {
 public:
  static constexpr const char* kClassName = "PReLU";
  explicit PReLU(PReLUOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

  Variable alpha;  ///< the input's shape without the batch, 1 along shared axes
};

/// x where positive, else alpha (e^x - 1) (keras.layers.ELU; Clevert et al., 2016).
class ELU : public ConfiguredLayer<ELU, ELUOptions> {
 public:
  static constexpr const char* kClassName = "ELU";
  bool overrides_build() const override { return false; }
  explicit ELU(ELUOptions options = {});
  explicit ELU(double alpha, ELUOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// e^x / sum(e^x) along an axis or axes; a mask that broadcasts to the input gives its false places 0
/// (keras.layers.Softmax).
class Softmax : public ConfiguredLayer<Softmax, SoftmaxOptions> {
 public:
  static constexpr const char* kClassName = "Softmax";
  bool overrides_build() const override { return false; }
  explicit Softmax(SoftmaxOptions options = {});
  explicit Softmax(int64_t axis, SoftmaxOptions options = {});
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
