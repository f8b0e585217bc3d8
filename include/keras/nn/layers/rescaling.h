// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct RescalingOptions {
  Json scale = 1.0;   ///< a number, or a list with one per channel
  Json offset = 0.0;  ///< a number, or a list with one per channel
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<RescalingOptions> {
  using O = RescalingOptions;
  static constexpr auto fields = field_list(layer_fields<O>(), field<&O::scale>("scale", "Factor"),
                                            field<&O::offset>("offset", "Summand"));
};

namespace layers {

/// x * scale + offset (keras.layers.Rescaling); integers are cast to the compute dtype first.
class Rescaling : public ConfiguredLayer<Rescaling, RescalingOptions> {
 public:
  static constexpr const char* kClassName = "Rescaling";
  explicit Rescaling(RescalingOptions options);
  explicit Rescaling(double scale, double offset = 0.0, RescalingOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
