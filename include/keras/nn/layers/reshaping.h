// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct FlattenOptions {
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<FlattenOptions> {
  using O = FlattenOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// All axes but the batch as one: (B, ...) -> (B, n) (keras.layers.Flatten).
class Flatten : public ConfiguredLayer<Flatten, FlattenOptions> {
 public:
  static constexpr const char* kClassName = "Flatten";
  explicit Flatten(FlattenOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
