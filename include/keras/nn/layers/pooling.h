// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

// The window is usually given in front; it stands late here so that the braces of `MaxPooling2D({2, 2})` can
// only mean the window.
struct PoolingOptions {
  std::string padding = "valid";         ///< "valid" or "same"
  std::optional<IntTuple> strides = {};  ///< step per spatial axis; none: pool_size
  std::string data_format = {};          ///< "": config::image_data_format()
  IntTuple pool_size = 2;                ///< window per spatial axis
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<PoolingOptions> {
  using O = PoolingOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::pool_size>("pool_size", "Window per spatial axis"),
      field<&O::padding>("padding", "valid or same"), field<&O::strides>("strides", "Step per spatial axis"),
      field<&O::data_format>("data_format", "Order of the input's axes"));
};

namespace layers {

/// What the poolings over windows share; `kMaximum` chooses the maximum over the average.
template <class Derived>
class BasePooling : public ConfiguredLayer<Derived, PoolingOptions> {
 public:
  bool overrides_build() const override { return false; }
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;

 protected:
  explicit BasePooling(PoolingOptions options);
};

#define KERAS_POOLING(Name, Rank, Maximum)                                          \
  class Name : public BasePooling<Name> {                                           \
   public:                                                                          \
    static constexpr const char* kClassName = #Name;                                \
    static constexpr int kRank = Rank;                                              \
    static constexpr bool kMaximum = Maximum;                                       \
    explicit Name(PoolingOptions options = {}) : BasePooling(std::move(options)) {} \
    explicit Name(IntTuple pool_size, PoolingOptions options = {});                 \
  };                                                                                \
  extern template class BasePooling<Name>;
/// Largest value, or mean (padding left out), of each window: (B, spatial..., C) -> (B, smaller..., C)
/// (keras.layers.MaxPooling2D and its kin). pool_size is 2 unless given.
KERAS_POOLING(MaxPooling1D, 1, true)
KERAS_POOLING(MaxPooling2D, 2, true)
KERAS_POOLING(MaxPooling3D, 3, true)
KERAS_POOLING(AveragePooling1D, 1, false)
KERAS_POOLING(AveragePooling2D, 2, false)
KERAS_POOLING(AveragePooling3D, 3, false)
#undef KERAS_POOLING

}  // namespace layers
}  // namespace keras
