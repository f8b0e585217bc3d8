// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct IdentityOptions {
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<IdentityOptions> {
  using O = IdentityOptions;
  static constexpr auto fields = field_list(layer_fields<O>());
};

struct ActivityRegularizationOptions {
  double l1 = 0.0;  ///< factor of the sum of absolute values
  double l2 = 0.0;  ///< factor of the sum of squares
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ActivityRegularizationOptions> {
  using O = ActivityRegularizationOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::l1>("l1", "Factor of the sum of absolute values"),
                 field<&O::l2>("l2", "Factor of the sum of squares"));
};

struct MaskingOptions {
  double mask_value = 0.0;  ///< steps with this value everywhere are masked
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<MaskingOptions> {
  using O = MaskingOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::mask_value>("mask_value", "Steps with this value everywhere are masked"));
};

namespace layers {

/// The inputs as they are (keras.layers.Identity).
class Identity : public ConfiguredLayer<Identity, IdentityOptions> {
 public:
  static constexpr const char* kClassName = "Identity";
  bool overrides_build() const override { return false; }
  explicit Identity(IdentityOptions options = {});
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
};

/// The inputs as they are, with a penalty on their values (keras.layers.ActivityRegularization).
class ActivityRegularization : public ConfiguredLayer<ActivityRegularization, ActivityRegularizationOptions> {
 public:
  static constexpr const char* kClassName = "ActivityRegularization";
  bool overrides_build() const override { return false; }
  explicit ActivityRegularization(ActivityRegularizationOptions options = {});
  explicit ActivityRegularization(double l1, double l2 = 0.0, ActivityRegularizationOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// Masks the steps of (B, steps, ...) whose features all equal mask_value, and sets them to 0
/// (keras.layers.Masking).
class Masking : public ConfiguredLayer<Masking, MaskingOptions> {
 public:
  static constexpr const char* kClassName = "Masking";
  bool overrides_build() const override { return false; }
  explicit Masking(MaskingOptions options = {});
  explicit Masking(double mask_value, MaskingOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
};

}  // namespace layers
}  // namespace keras
