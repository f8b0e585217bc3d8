// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct AdaptivePoolingOptions {
  IntTuple output_size = {};     ///< extents of the result, one per spatial axis; set by the constructor
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<AdaptivePoolingOptions> {
  using O = AdaptivePoolingOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::output_size>("output_size", "Extents of the result"),
                 field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// What the poolings to a given size share; `kMaximum` chooses the maximum over the average.
template <class Derived>
class BaseAdaptivePooling : public ConfiguredLayer<Derived, AdaptivePoolingOptions> {
 public:
  bool overrides_build() const override { return false; }
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 protected:
  BaseAdaptivePooling(const IntTuple& output_size, AdaptivePoolingOptions options);
};

#define KERAS_ADAPTIVE_POOLING(Name, Rank, Maximum)                                 \
  class Name : public BaseAdaptivePooling<Name> {                                   \
   public:                                                                          \
    static constexpr const char* kClassName = #Name;                                \
    static constexpr int kRank = Rank;                                              \
    static constexpr bool kMaximum = Maximum;                                       \
    template <std::same_as<AdaptivePoolingOptions> O>                               \
    explicit Name(O options) : BaseAdaptivePooling(options.output_size, options) {} \
    explicit Name(IntTuple output_size, AdaptivePoolingOptions options = {})        \
        : BaseAdaptivePooling(output_size, std::move(options)) {}                   \
  };                                                                                \
  extern template class BaseAdaptivePooling<Name>;
/// Largest value, or mean, of windows that cover the input evenly and give `output_size` results: (B,
/// spatial..., C) -> (B, output_size..., C) (keras.layers.AdaptiveMaxPooling2D and its kin). The input's
/// spatial extents must be known. Throws ValueError for sizes below 1.
KERAS_ADAPTIVE_POOLING(AdaptiveMaxPooling1D, 1, true)
KERAS_ADAPTIVE_POOLING(AdaptiveMaxPooling2D, 2, true)
KERAS_ADAPTIVE_POOLING(AdaptiveMaxPooling3D, 3, true)
KERAS_ADAPTIVE_POOLING(AdaptiveAveragePooling1D, 1, false)
KERAS_ADAPTIVE_POOLING(AdaptiveAveragePooling2D, 2, false)
KERAS_ADAPTIVE_POOLING(AdaptiveAveragePooling3D, 3, false)
#undef KERAS_ADAPTIVE_POOLING

}  // namespace layers
}  // namespace keras
