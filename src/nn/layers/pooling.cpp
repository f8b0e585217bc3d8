// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/pooling.h"

#include "keras/base/error.h"
#include "keras/ops/pooling.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BasePooling<Derived>::BasePooling(PoolingOptions options)
    : ConfiguredLayer<Derived, PoolingOptions>(std::move(options)) {
  auto& o = this->options_;
  constexpr const char* where = Derived::kClassName;
  o.pool_size = o.pool_size.expanded(Derived::kRank, where, "pool_size");
  o.strides = o.strides.value_or(o.pool_size).expanded(Derived::kRank, where, "strides");
  o.data_format = internal::standardize_data_format(where, o.data_format);
  if (o.padding != "valid" && o.padding != "same") {
    internal::fail_unknown_name(where, "padding", o.padding, {"valid", "same"});
  }
}

template <class Derived>
void BasePooling<Derived>::build(const Shape& input_shape) {
  internal::channels_of(this->name(), input_shape, Derived::kRank, this->options_.data_format);
}

template <class Derived>
Tensor BasePooling<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  const auto window = internal::spatial_size(o.pool_size);
  const auto strides = internal::spatial_size(*o.strides);
  return Derived::kMaximum ? ops::max_pool(inputs, window, strides, o.padding, o.data_format)
                           : ops::average_pool(inputs, window, strides, o.padding, o.data_format);
}

#define KERAS_DEFINE_POOLING(Name)                       \
  KERAS_REGISTER_LAYER(Name);                            \
  template class BasePooling<Name>;                      \
  Name::Name(IntTuple pool_size, PoolingOptions options) \
      : Name([&] {                                       \
          options.pool_size = std::move(pool_size);      \
          return std::move(options);                     \
        }()) {}
KERAS_DEFINE_POOLING(MaxPooling1D)
KERAS_DEFINE_POOLING(MaxPooling2D)
KERAS_DEFINE_POOLING(MaxPooling3D)
KERAS_DEFINE_POOLING(AveragePooling1D)
KERAS_DEFINE_POOLING(AveragePooling2D)
KERAS_DEFINE_POOLING(AveragePooling3D)
#undef KERAS_DEFINE_POOLING

}  // namespace keras::layers
