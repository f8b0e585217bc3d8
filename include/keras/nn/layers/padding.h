// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "keras/nn/layer.h"
#include "keras/schema/edge_sizes.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct ZeroPadding1DOptions {
  IntTuple padding = 1;  ///< zeros added, {before, after} or one number for both; set by the constructor
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ZeroPadding1DOptions> {
  using O = ZeroPadding1DOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::padding>("padding", "Zeros before and after the sequence"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

struct ZeroPaddingOptions {
  std::vector<Edge> padding = {};  ///< zeros added, one item per axis; set by the constructor
  std::string data_format = {};    ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ZeroPaddingOptions> {
  using O = ZeroPaddingOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::padding>("padding", "Zeros added at the ends of the axes"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

/// The same for images and volumes.
using ZeroPadding2DOptions = ZeroPaddingOptions;
using ZeroPadding3DOptions = ZeroPaddingOptions;

namespace layers {

/// Adds zeros at both ends of sequences: (B, steps, C) -> (B, more, C) (keras.layers.ZeroPadding1D). Throws
/// ValueError for negative sizes.
class ZeroPadding1D : public ConfiguredLayer<ZeroPadding1D, ZeroPadding1DOptions> {
 public:
  static constexpr const char* kClassName = "ZeroPadding1D";
  template <std::same_as<ZeroPadding1DOptions> O>
  explicit ZeroPadding1D(O options) : ZeroPadding1D(options.padding, options) {}
  explicit ZeroPadding1D(IntTuple padding = 1, ZeroPadding1DOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// What the paddings of images and volumes share.
template <class Derived>
class BaseZeroPadding : public ConfiguredLayer<Derived, ZeroPaddingOptions> {
 public:
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 protected:
  BaseZeroPadding(const EdgeSizes& padding, ZeroPaddingOptions options);
};

extern template class BaseZeroPadding<class ZeroPadding2D>;
extern template class BaseZeroPadding<class ZeroPadding3D>;

/// Adds rows and columns of zeros to images: (B, H, W, C) -> (B, H', W', C) (keras.layers.ZeroPadding2D).
/// Throws as ZeroPadding1D.
class ZeroPadding2D : public BaseZeroPadding<ZeroPadding2D> {
 public:
  static constexpr const char* kClassName = "ZeroPadding2D";
  static constexpr int kRank = 2;
  template <std::same_as<ZeroPaddingOptions> O>
  explicit ZeroPadding2D(O options)
      : BaseZeroPadding(options.padding.empty() ? EdgeSizes(1) : EdgeSizes(options.padding), options) {}
  explicit ZeroPadding2D(EdgeSizes padding = 1, ZeroPadding2DOptions options = {})
      : BaseZeroPadding(padding, std::move(options)) {}
};

/// Adds zeros around volumes: (B, D, H, W, C) -> (B, D', H', W', C) (keras.layers.ZeroPadding3D). Throws as
/// ZeroPadding1D.
class ZeroPadding3D : public BaseZeroPadding<ZeroPadding3D> {
 public:
  static constexpr const char* kClassName = "ZeroPadding3D";
  static constexpr int kRank = 3;
  template <std::same_as<ZeroPaddingOptions> O>
  explicit ZeroPadding3D(O options)
      : BaseZeroPadding(options.padding.empty() ? EdgeSizes(1) : EdgeSizes(options.padding), options) {}
  explicit ZeroPadding3D(EdgeSizes padding = 1, ZeroPadding3DOptions options = {})
      : BaseZeroPadding(padding, std::move(options)) {}
};

}  // namespace layers
}  // namespace keras
