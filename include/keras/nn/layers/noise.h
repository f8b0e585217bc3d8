// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/layer.h"

namespace keras {

struct GaussianNoiseOptions {
  double stddev = 0.0;               ///< standard deviation of the noise, in [0, 1]
  std::optional<int64_t> seed = {};  ///< seed of the noise
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GaussianNoiseOptions> {
  using O = GaussianNoiseOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::stddev>("stddev", "Standard deviation of the noise"),
                 field<&O::seed>("seed", "Seed of the noise"));
};

struct GaussianDropoutOptions {
  double rate = 0.0;                 ///< as of Dropout: the noise has the variance rate / (1 - rate)
  std::optional<int64_t> seed = {};  ///< seed of the noise
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GaussianDropoutOptions> {
  using O = GaussianDropoutOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::rate>("rate", "The noise has the variance rate / (1 - rate)"),
                 field<&O::seed>("seed", "Seed of the noise"));
};

struct AlphaDropoutOptions {
  double rate = 0.0;                      ///< fraction of the inputs set to the negative saturation value
  std::optional<Shape> noise_shape = {};  ///< shape of the mask, broadcast against the input
  std::optional<int64_t> seed = {};       ///< seed of the masks
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<AlphaDropoutOptions> {
  using O = AlphaDropoutOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::rate>("rate", "Fraction of the inputs that are dropped"),
                 field<&O::seed>("seed", "Seed of the masks"),
                 field<&O::noise_shape>("noise_shape", "Shape of the mask"));
};

namespace layers {

/// Adds normal noise of mean 0, in training only (keras.layers.GaussianNoise). Throws ValueError for a stddev
/// outside [0, 1].
class GaussianNoise : public ConfiguredLayer<GaussianNoise, GaussianNoiseOptions> {
 public:
  static constexpr const char* kClassName = "GaussianNoise";
  bool overrides_build() const override { return false; }
  explicit GaussianNoise(GaussianNoiseOptions options);
  explicit GaussianNoise(double stddev, GaussianNoiseOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

/// Multiplies with normal noise of mean 1 and variance rate / (1 - rate), in training only
/// (keras.layers.GaussianDropout; Srivastava et al., 2014). Throws ValueError for a rate outside [0, 1], and
/// in training for the rate 1, whose variance is infinite.
class GaussianDropout : public ConfiguredLayer<GaussianDropout, GaussianDropoutOptions> {
 public:
  static constexpr const char* kClassName = "GaussianDropout";
  bool overrides_build() const override { return false; }
  explicit GaussianDropout(GaussianDropoutOptions options);
  explicit GaussianDropout(double rate, GaussianDropoutOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

/// Sets a random fraction of the inputs to selu's saturation value and scales and shifts the result so that
/// mean and variance stay, in training only (keras.layers.AlphaDropout; Klambauer et al., 2017). Throws
/// ValueError for a rate outside [0, 1].
class AlphaDropout : public ConfiguredLayer<AlphaDropout, AlphaDropoutOptions> {
 public:
  static constexpr const char* kClassName = "AlphaDropout";
  bool overrides_build() const override { return false; }
  explicit AlphaDropout(AlphaDropoutOptions options);
  explicit AlphaDropout(double rate, AlphaDropoutOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

}  // namespace layers
}  // namespace keras
