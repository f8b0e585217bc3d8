// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/layer.h"

namespace keras {

struct SpatialDropout1DOptions {
  double rate = 0.0;                 ///< fraction of the channels set to zero
  std::optional<int64_t> seed = {};  ///< seed of the masks
  std::string name = {};
  bool trainable = true;  ///< without effect, and not in configs: there are no weights
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SpatialDropout1DOptions> {
  using O = SpatialDropout1DOptions;
  static constexpr auto fields =
      field_list(field<&O::rate>("rate", "Fraction of the channels set to zero"),
                 field<&O::seed>("seed", "Seed of the masks"),
                 field<&O::name>("name", "Name of the layer; made from the class when empty"),
                 field<&O::dtype>("dtype", "Dtype or dtype policy of computations"));
};

struct SpatialDropoutOptions {
  double rate = 0.0;                 ///< fraction of the channels set to zero
  std::string data_format = {};      ///< "": config::image_data_format()
  std::optional<int64_t> seed = {};  ///< seed of the masks
  std::string name = {};
  bool trainable = true;  ///< without effect, and not in configs: there are no weights
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<SpatialDropoutOptions> {
  using O = SpatialDropoutOptions;
  static constexpr auto fields =
      field_list(field<&O::rate>("rate", "Fraction of the channels set to zero"),
                 field<&O::seed>("seed", "Seed of the masks"),
                 field<&O::name>("name", "Name of the layer; made from the class when empty"),
                 field<&O::dtype>("dtype", "Dtype or dtype policy of computations"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

/// The same for images and volumes.
using SpatialDropout2DOptions = SpatialDropoutOptions;
using SpatialDropout3DOptions = SpatialDropoutOptions;

namespace layers {

/// What the dropouts of whole channels share.
template <class Derived, class OptionsType>
class BaseSpatialDropout : public ConfiguredLayer<Derived, OptionsType> {
 public:
  bool overrides_build() const override { return false; }
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

 protected:
  explicit BaseSpatialDropout(OptionsType options);

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

extern template class BaseSpatialDropout<class SpatialDropout1D, SpatialDropout1DOptions>;
extern template class BaseSpatialDropout<class SpatialDropout2D, SpatialDropoutOptions>;
extern template class BaseSpatialDropout<class SpatialDropout3D, SpatialDropoutOptions>;

/// Dropout of whole channels of sequences (B, steps, C): all steps of a channel share their fate
/// (keras.layers.SpatialDropout1D; Tompson et al., 2014). Throws ValueError for a rate outside [0, 1].
class SpatialDropout1D : public BaseSpatialDropout<SpatialDropout1D, SpatialDropout1DOptions> {
 public:
  static constexpr const char* kClassName = "SpatialDropout1D";
  static constexpr int kRank = 1;
  explicit SpatialDropout1D(SpatialDropout1DOptions options) : BaseSpatialDropout(std::move(options)) {}
  explicit SpatialDropout1D(double rate, SpatialDropout1DOptions options = {});
};

/// Dropout of whole channels of images (B, H, W, C) (keras.layers.SpatialDropout2D; Tompson et al., 2014).
/// Throws ValueError for a rate outside [0, 1].
class SpatialDropout2D : public BaseSpatialDropout<SpatialDropout2D, SpatialDropoutOptions> {
 public:
  static constexpr const char* kClassName = "SpatialDropout2D";
  static constexpr int kRank = 2;
  explicit SpatialDropout2D(SpatialDropout2DOptions options) : BaseSpatialDropout(std::move(options)) {}
  explicit SpatialDropout2D(double rate, SpatialDropout2DOptions options = {});
};

/// Dropout of whole channels of volumes (B, D, H, W, C) (keras.layers.SpatialDropout3D; Tompson et al.,
/// 2014). Throws ValueError for a rate outside [0, 1].
class SpatialDropout3D : public BaseSpatialDropout<SpatialDropout3D, SpatialDropoutOptions> {
 public:
  static constexpr const char* kClassName = "SpatialDropout3D";
  static constexpr int kRank = 3;
  explicit SpatialDropout3D(SpatialDropout3DOptions options) : BaseSpatialDropout(std::move(options)) {}
  explicit SpatialDropout3D(double rate, SpatialDropout3DOptions options = {});
};

}  // namespace layers
}  // namespace keras
