// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct UpSampling1DOptions {
  int64_t size = 2;  ///< how often each step is repeated; set by the constructor
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<UpSampling1DOptions> {
  using O = UpSampling1DOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::size>("size", "How often each step is repeated"));
};

struct UpSampling2DOptions {
  IntTuple size = 2;                      ///< factors of height and width; set by the constructor
  std::string data_format = {};           ///< "": config::image_data_format()
  std::string interpolation = "nearest";  ///< see ops::image::resize
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<UpSampling2DOptions> {
  using O = UpSampling2DOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::size>("size", "Factors of height and width"),
                 field<&O::data_format>("data_format", "Order of the input's axes"),
                 field<&O::interpolation>("interpolation", "nearest, bilinear, bicubic, lanczos3, lanczos5"));
};

struct UpSampling3DOptions {
  IntTuple size = 2;             ///< factors of depth, height and width; set by the constructor
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<UpSampling3DOptions> {
  using O = UpSampling3DOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::size>("size", "Factors of depth, height and width"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// Each step of a sequence `size` times: (B, steps, C) -> (B, steps size, C) (keras.layers.UpSampling1D).
/// Throws ValueError for sizes below 1.
class UpSampling1D : public ConfiguredLayer<UpSampling1D, UpSampling1DOptions> {
 public:
  static constexpr const char* kClassName = "UpSampling1D";
  template <std::same_as<UpSampling1DOptions> O>
  explicit UpSampling1D(O options) : UpSampling1D(options.size, options) {}
  explicit UpSampling1D(int64_t size = 2, UpSampling1DOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// Images enlarged by whole factors: (B, H, W, C) -> (B, H size[0], W size[1], C)
/// (keras.layers.UpSampling2D). Throws ValueError for sizes below 1 and unknown interpolations; height and
/// width must be known unless the interpolation is "nearest".
class UpSampling2D : public ConfiguredLayer<UpSampling2D, UpSampling2DOptions> {
 public:
  static constexpr const char* kClassName = "UpSampling2D";
  template <std::same_as<UpSampling2DOptions> O>
  explicit UpSampling2D(O options) : UpSampling2D(options.size, options) {}
  explicit UpSampling2D(IntTuple size = 2, UpSampling2DOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// Volumes enlarged by repetition: (B, D, H, W, C) -> (B, D size[0], H size[1], W size[2], C)
/// (keras.layers.UpSampling3D). Throws ValueError for sizes below 1.
class UpSampling3D : public ConfiguredLayer<UpSampling3D, UpSampling3DOptions> {
 public:
  static constexpr const char* kClassName = "UpSampling3D";
  template <std::same_as<UpSampling3DOptions> O>
  explicit UpSampling3D(O options) : UpSampling3D(options.size, options) {}
  explicit UpSampling3D(IntTuple size = 2, UpSampling3DOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
