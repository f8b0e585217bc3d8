// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"
#include "keras/ops/arguments.h"

namespace keras {

struct BatchNormalizationLayerOptions {
  int64_t axis = -1;                                            ///< axis of the features
  double momentum = 0.99;                                       ///< share of the old moving statistics
  double epsilon = 1e-3;                                        ///< added to the variance
  bool center = true;                                           ///< whether beta is added
  bool scale = true;                                            ///< whether gamma is multiplied
  ObjectRef<Initializer> beta_initializer = "zeros";            ///< first value of beta
  ObjectRef<Initializer> gamma_initializer = "ones";            ///< first value of gamma
  ObjectRef<Initializer> moving_mean_initializer = "zeros";     ///< first moving mean
  ObjectRef<Initializer> moving_variance_initializer = "ones";  ///< first moving variance
  ObjectRef<Regularizer> beta_regularizer = {};                 ///< penalty on beta
  ObjectRef<Regularizer> gamma_regularizer = {};                ///< penalty on gamma
  ObjectRef<Constraint> beta_constraint = {};                   ///< constraint of beta
  ObjectRef<Constraint> gamma_constraint = {};                  ///< constraint of gamma
  bool synchronized = false;                                    ///< kept for files: there is one device
  bool renorm = false;                                          ///< batch renormalization (Ioffe, 2017)
  Json renorm_clipping = {};      ///< bounds of the corrections: rmin, rmax, dmax
  double renorm_momentum = 0.99;  ///< share of the old renorm statistics
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<BatchNormalizationLayerOptions> {
  using O = BatchNormalizationLayerOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::axis>("axis", "Axis of the features"),
      field<&O::momentum>("momentum", "Share of the old moving statistics"),
      field<&O::epsilon>("epsilon", "Added to the variance"),
      field<&O::center>("center", "Whether beta is added"),
      field<&O::scale>("scale", "Whether gamma is multiplied"),
      field<&O::beta_initializer>("beta_initializer", "First value of beta"),
      field<&O::gamma_initializer>("gamma_initializer", "First value of gamma"),
      field<&O::moving_mean_initializer>("moving_mean_initializer", "First moving mean"),
      field<&O::moving_variance_initializer>("moving_variance_initializer", "First moving variance"),
      field<&O::beta_regularizer>("beta_regularizer", "Penalty on beta"),
      field<&O::gamma_regularizer>("gamma_regularizer", "Penalty on gamma"),
      field<&O::beta_constraint>("beta_constraint", "Constraint of beta"),
      field<&O::gamma_constraint>("gamma_constraint", "Constraint of gamma"),
      field<&O::synchronized>("synchronized", "Kept for files: there is one device"),
      field<&O::renorm>("renorm", "Batch renormalization (Ioffe, 2017)"),
      field<&O::renorm_clipping>("renorm_clipping", "Bounds of the corrections: rmin, rmax, dmax"),
      field<&O::renorm_momentum>("renorm_momentum", "Share of the old renorm statistics"));
};

struct LayerNormalizationLayerOptions {
  ops::Axis axis = -1;                                ///< axes over which statistics are taken
  double epsilon = 1e-3;                              ///< added to the variance
  bool center = true;                                 ///< whether beta is added
  bool scale = true;                                  ///< whether gamma is multiplied
  ObjectRef<Initializer> beta_initializer = "zeros";  ///< first value of beta
  ObjectRef<Initializer> gamma_initializer = "ones";  ///< first value of gamma
  bool rms_scaling = false;                           ///< scale by the variance only; kept for old files
  ObjectRef<Regularizer> beta_regularizer = {};       ///< penalty on beta
  ObjectRef<Regularizer> gamma_regularizer = {};      ///< penalty on gamma
  ObjectRef<Constraint> beta_constraint = {};         ///< constraint of beta
  ObjectRef<Constraint> gamma_constraint = {};        ///< constraint of gamma
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<LayerNormalizationLayerOptions> {
  using O = LayerNormalizationLayerOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axes over which statistics are taken"),
                 field<&O::epsilon>("epsilon", "Added to the variance"),
                 field<&O::center>("center", "Whether beta is added"),
                 field<&O::scale>("scale", "Whether gamma is multiplied"),
                 field<&O::beta_initializer>("beta_initializer", "First value of beta"),
                 field<&O::gamma_initializer>("gamma_initializer", "First value of gamma"),
                 field<&O::rms_scaling>("rms_scaling", "Scale by the variance only; kept for old files"),
                 field<&O::beta_regularizer>("beta_regularizer", "Penalty on beta"),
                 field<&O::gamma_regularizer>("gamma_regularizer", "Penalty on gamma"),
                 field<&O::beta_constraint>("beta_constraint", "Constraint of beta"),
                 field<&O::gamma_constraint>("gamma_constraint", "Constraint of gamma"));
};

struct GroupNormalizationOptions {
  int64_t groups = 32;                                ///< groups of channels; -1: every channel by itself
  int64_t axis = -1;                                  ///< axis of the channels
  double epsilon = 1e-3;                              ///< added to the variance
  bool center = true;                                 ///< whether beta is added
  bool scale = true;                                  ///< whether gamma is multiplied
  ObjectRef<Initializer> beta_initializer = "zeros";  ///< first value of beta
  ObjectRef<Initializer> gamma_initializer = "ones";  ///< first value of gamma
  ObjectRef<Regularizer> beta_regularizer = {};       ///< penalty on beta
  ObjectRef<Regularizer> gamma_regularizer = {};      ///< penalty on gamma
  ObjectRef<Constraint> beta_constraint = {};         ///< constraint of beta
  ObjectRef<Constraint> gamma_constraint = {};        ///< constraint of gamma
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GroupNormalizationOptions> {
  using O = GroupNormalizationOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::groups>("groups", "Groups of channels; -1: every channel by itself"),
      field<&O::axis>("axis", "Axis of the channels"), field<&O::epsilon>("epsilon", "Added to the variance"),
      field<&O::center>("center", "Whether beta is added"),
      field<&O::scale>("scale", "Whether gamma is multiplied"),
      field<&O::beta_initializer>("beta_initializer", "First value of beta"),
      field<&O::gamma_initializer>("gamma_initializer", "First value of gamma"),
      field<&O::beta_regularizer>("beta_regularizer", "Penalty on beta"),
      field<&O::gamma_regularizer>("gamma_regularizer", "Penalty on gamma"),
      field<&O::beta_constraint>("beta_constraint", "Constraint of beta"),
      field<&O::gamma_constraint>("gamma_constraint", "Constraint of gamma"));
};

struct RMSNormalizationOptions {
  ops::Axis axis = -1;    ///< axes over which the mean square is taken
  double epsilon = 1e-6;  ///< added to the mean square
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<RMSNormalizationOptions> {
  using O = RMSNormalizationOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axes over which the mean square is taken"),
                 field<&O::epsilon>("epsilon", "Added to the mean square"));
};

struct UnitNormalizationOptions {
  ops::Axis axis = -1;  ///< axes whose norm becomes 1
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<UnitNormalizationOptions> {
  using O = UnitNormalizationOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axes whose norm becomes 1"));
};

namespace layers {

/// Each feature with mean 0 and variance 1 over the batch in training, by moving statistics otherwise, then
/// gamma x + beta (keras.layers.BatchNormalization; Ioffe and Szegedy, 2015). A mask (the input's shape
/// without the last axis) leaves its false places out of the statistics.
class BatchNormalization : public ConfiguredLayer<BatchNormalization, BatchNormalizationLayerOptions> {
 public:
  static constexpr const char* kClassName = "BatchNormalization";
  explicit BatchNormalization(BatchNormalizationLayerOptions options = {});
  internal::CallSignature call_signature() const override { return {.mask = true}; }
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

  Variable gamma;            ///< (features,)
  Variable beta;             ///< (features,)
  Variable moving_mean;      ///< (features,)
  Variable moving_variance;  ///< (features,)
  Variable moving_stddev;    ///< (features,), with renorm
  Variable renorm_mean;      ///< (features,), with renorm
  Variable renorm_stddev;    ///< (features,), with renorm

 private:
  std::pair<Tensor, Tensor> batch_moments(const Tensor& x, const Nest& mask) const;
  void update(const Variable& variable, const Tensor& value, double momentum) const;
};

/// Mean 0 and variance 1 over axes of each sample, then gamma x + beta (keras.layers.LayerNormalization; Ba
/// et al., 2016).
class LayerNormalization : public ConfiguredLayer<LayerNormalization, LayerNormalizationLayerOptions> {
 public:
  static constexpr const char* kClassName = "LayerNormalization";
  explicit LayerNormalization(LayerNormalizationLayerOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

  Variable gamma;  ///< the sizes of the axes
  Variable beta;   ///< the sizes of the axes
};

/// Mean 0 and variance 1 over each group of channels of each sample, then gamma x + beta
/// (keras.layers.GroupNormalization; Wu and He, 2018). Throws ValueError unless groups divides the channels.
class GroupNormalization : public ConfiguredLayer<GroupNormalization, GroupNormalizationOptions> {
 public:
  static constexpr const char* kClassName = "GroupNormalization";
  explicit GroupNormalization(GroupNormalizationOptions options = {});
  explicit GroupNormalization(int64_t groups, GroupNormalizationOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

  Variable gamma;  ///< (channels,)
  Variable beta;   ///< (channels,)
};

/// x / sqrt(mean(x^2) + epsilon) * scale (keras.layers.RMSNormalization; Zhang and Sennrich, 2019).
class RMSNormalization : public ConfiguredLayer<RMSNormalization, RMSNormalizationOptions> {
 public:
  static constexpr const char* kClassName = "RMSNormalization";
  explicit RMSNormalization(RMSNormalizationOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

  Variable scale;  ///< the sizes of the axes
};

/// x divided by its L2 norm over axes (keras.layers.UnitNormalization).
class UnitNormalization : public ConfiguredLayer<UnitNormalization, UnitNormalizationOptions> {
 public:
  static constexpr const char* kClassName = "UnitNormalization";
  bool overrides_build() const override { return false; }
  explicit UnitNormalization(UnitNormalizationOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
