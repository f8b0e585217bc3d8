// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct CenterCropOptions {
  int64_t height = 0;            ///< of the result
  int64_t width = 0;             ///< of the result
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<CenterCropOptions> {
  using O = CenterCropOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::height>("height", "Height of the result"),
                 field<&O::width>("width", "Width of the result"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// The middle of images: (B, H, W, C) -> (B, height, width, C), or one image (H, W, C), in the compute dtype
/// (keras.layers.CenterCrop). Images that are too small are resized without distortion and then cut. Throws
/// ValueError for sizes below 1.
class CenterCrop : public ConfiguredLayer<CenterCrop, CenterCropOptions> {
 public:
  static constexpr const char* kClassName = "CenterCrop";
  explicit CenterCrop(CenterCropOptions options);
  CenterCrop(int64_t height, int64_t width, CenterCropOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
