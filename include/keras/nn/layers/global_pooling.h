// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct GlobalPoolingOptions {
  std::string data_format = {};  ///< "": config::image_data_format()
  bool keepdims = false;         ///< whether the spatial axes stay, with size 1
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<GlobalPoolingOptions> {
  using O = GlobalPoolingOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::data_format>("data_format", "Order of the input's axes"),
                 field<&O::keepdims>("keepdims", "Whether the spatial axes stay, with size 1"));
};

namespace layers {

/// What the poolings over all positions share; `kMaximum` chooses the maximum over the average.
template <class Derived>
class BaseGlobalPooling : public ConfiguredLayer<Derived, GlobalPoolingOptions> {
 public:
  bool overrides_build() const override { return false; }
  internal::CallSignature call_signature() const override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

 protected:
  explicit BaseGlobalPooling(GlobalPoolingOptions options);
};

#define KERAS_GLOBAL_POOLING(Name, Rank, Maximum)                                               \
  class Name : public BaseGlobalPooling<Name> {                                                 \
   public:                                                                                      \
    static constexpr const char* kClassName = #Name;                                            \
    static constexpr int kRank = Rank;                                                          \
    static constexpr bool kMaximum = Maximum;                                                   \
    explicit Name(GlobalPoolingOptions options = {}) : BaseGlobalPooling(std::move(options)) {} \
  };                                                                                            \
  extern template class BaseGlobalPooling<Name>;
/// Largest value, or mean, of each channel over all positions: (B, spatial..., C) -> (B, C)
/// (keras.layers.GlobalMaxPooling2D, GlobalAveragePooling2D and their kin). GlobalAveragePooling1D leaves
/// masked steps out.
KERAS_GLOBAL_POOLING(GlobalMaxPooling1D, 1, true)
KERAS_GLOBAL_POOLING(GlobalMaxPooling2D, 2, true)
KERAS_GLOBAL_POOLING(GlobalMaxPooling3D, 3, true)
KERAS_GLOBAL_POOLING(GlobalAveragePooling1D, 1, false)
KERAS_GLOBAL_POOLING(GlobalAveragePooling2D, 2, false)
KERAS_GLOBAL_POOLING(GlobalAveragePooling3D, 3, false)
#undef KERAS_GLOBAL_POOLING

/// Keras' short names.
using GlobalMaxPool1D = GlobalMaxPooling1D;
using GlobalMaxPool2D = GlobalMaxPooling2D;
using GlobalMaxPool3D = GlobalMaxPooling3D;
using GlobalAvgPool1D = GlobalAveragePooling1D;
using GlobalAvgPool2D = GlobalAveragePooling2D;
using GlobalAvgPool3D = GlobalAveragePooling3D;

}  // namespace layers
}  // namespace keras
