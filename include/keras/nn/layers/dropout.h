// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/layer.h"

namespace keras {

struct DropoutOptions {
  double rate = 0.0;                      ///< fraction of the inputs set to zero
  std::optional<Shape> noise_shape = {};  ///< shape of the mask, broadcast against the input
  std::optional<int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<DropoutOptions> {
  using O = DropoutOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::rate>("rate", "Fraction of the inputs set to zero"),
                 field<&O::seed>("seed", "Seed of the masks"),
                 field<&O::noise_shape>("noise_shape", "Shape of the mask"));
};

namespace layers {

/// Sets a random fraction of the inputs to zero and scales the rest by 1 / (1 - rate), in training only
/// (keras.layers.Dropout; Srivastava et al., 2014). Throws ValueError for a rate outside [0, 1].
class Dropout : public ConfiguredLayer<Dropout, DropoutOptions> {
 public:
  static constexpr const char* kClassName = "Dropout";
  bool overrides_build() const override { return false; }
  explicit Dropout(DropoutOptions options);
  explicit Dropout(double rate, DropoutOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

}  // namespace layers
}  // namespace keras
