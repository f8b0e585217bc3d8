// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "keras/nn/layer.h"
#include "keras/schema/edge_sizes.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct Cropping1DOptions {
  IntTuple cropping = 1;  ///< steps cut off, {before, after} or one number for both; set by the constructor
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<Cropping1DOptions> {
  using O = Cropping1DOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::cropping>("cropping", "Steps cut off before and after the sequence"));
};

struct CroppingOptions {
  std::vector<Edge> cropping = {};  ///< what is cut off, one item per axis; set by the constructor
  std::string data_format = {};     ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<CroppingOptions> {
  using O = CroppingOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::cropping>("cropping", "What is cut off at the ends of the axes"),
      field<&O::data_format>("data_format", "Order of the input's axes"));
};

/// The same for images and volumes.
using Cropping2DOptions = CroppingOptions;
using Cropping3DOptions = CroppingOptions;

namespace layers {

/// Cuts steps off both ends of sequences: (B, steps, C) -> (B, fewer, C) (keras.layers.Cropping1D). Throws
/// ValueError for negative sizes and for inputs of which nothing would remain.
class Cropping1D : public ConfiguredLayer<Cropping1D, Cropping1DOptions> {
 public:
  static constexpr const char* kClassName = "Cropping1D";
  template <std::same_as<Cropping1DOptions> O>
  explicit Cropping1D(O options) : Cropping1D(options.cropping, options) {}
  explicit Cropping1D(IntTuple cropping = 1, Cropping1DOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// What the croppings of images and volumes share.
template <class Derived>
class BaseCropping : public ConfiguredLayer<Derived, CroppingOptions> {
 public:
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 protected:
  BaseCropping(const EdgeSizes& cropping, CroppingOptions options);
};

extern template class BaseCropping<class Cropping2D>;
extern template class BaseCropping<class Cropping3D>;

/// Cuts rows and columns off images: (B, H, W, C) -> (B, H', W', C) (keras.layers.Cropping2D). Throws as
/// Cropping1D.
class Cropping2D : public BaseCropping<Cropping2D> {
 public:
  static constexpr const char* kClassName = "Cropping2D";
  static constexpr int kRank = 2;
  template <std::same_as<CroppingOptions> O>
  explicit Cropping2D(O options)
      : BaseCropping(options.cropping.empty() ? EdgeSizes(0) : EdgeSizes(options.cropping), options) {}
  explicit Cropping2D(EdgeSizes cropping = 0, Cropping2DOptions options = {})
      : BaseCropping(cropping, std::move(options)) {}
};

/// Cuts the borders off volumes: (B, D, H, W, C) -> (B, D', H', W', C) (keras.layers.Cropping3D). Throws as
/// Cropping1D.
class Cropping3D : public BaseCropping<Cropping3D> {
 public:
  static constexpr const char* kClassName = "Cropping3D";
  static constexpr int kRank = 3;
  template <std::same_as<CroppingOptions> O>
  explicit Cropping3D(O options)
      : BaseCropping(options.cropping.empty() ? EdgeSizes(1) : EdgeSizes(options.cropping), options) {}
  explicit Cropping3D(EdgeSizes cropping = 1, Cropping3DOptions options = {})
      : BaseCropping(cropping, std::move(options)) {}
};

}  // namespace layers
}  // namespace keras
