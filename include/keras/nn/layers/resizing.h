// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct ResizingOptions {
  int64_t height = 0;                      ///< of the result
  int64_t width = 0;                       ///< of the result
  std::string interpolation = "bilinear";  ///< see ops::image::resize
  bool crop_to_aspect_ratio = false;       ///< cut the images so that nothing is distorted
  bool pad_to_aspect_ratio = false;        ///< fill the images so that nothing is distorted
  std::string fill_mode = "constant";      ///< how padding is filled: "constant"
  double fill_value = 0.0;                 ///< with what
  bool antialias = false;                  ///< low-pass when shrinking
  std::string data_format = {};            ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ResizingOptions> {
  using O = ResizingOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::height>("height", "Height of the result"),
      field<&O::width>("width", "Width of the result"),
      field<&O::interpolation>("interpolation", "nearest, bilinear, bicubic, lanczos3, lanczos5 or area"),
      field<&O::crop_to_aspect_ratio>("crop_to_aspect_ratio", "Cut the images so that nothing is distorted"),
      field<&O::pad_to_aspect_ratio>("pad_to_aspect_ratio", "Fill the images so that nothing is distorted"),
      field<&O::fill_mode>("fill_mode", "How padding is filled: constant"),
      field<&O::fill_value>("fill_value", "With what padding is filled"),
      field<&O::antialias>("antialias", "Low-pass when shrinking"),
      field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// Images of another size: (B, H, W, C) -> (B, height, width, C), or one image (H, W, C)
/// (keras.layers.Resizing). Integers are rounded and saturated. Height and width of the input must be known
/// to keep the aspect ratio. Throws ValueError for sizes below 1 and unknown interpolations.
class Resizing : public ConfiguredLayer<Resizing, ResizingOptions> {
 public:
  static constexpr const char* kClassName = "Resizing";
  explicit Resizing(ResizingOptions options);
  Resizing(int64_t height, int64_t width, ResizingOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
