// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/adaptive_pooling.h"

#include "keras/ops/pooling.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BaseAdaptivePooling<Derived>::BaseAdaptivePooling(const IntTuple& output_size, AdaptivePoolingOptions options)
    : ConfiguredLayer<Derived, AdaptivePoolingOptions>([&] {
        options.output_size = output_size.expanded(Derived::kRank, Derived::kClassName, "output_size");
        options.data_format = internal::standardize_data_format(Derived::kClassName, options.data_format);
        return std::move(options);
      }()) {}

template <class Derived>
Tensor BaseAdaptivePooling<Derived>::call(const Tensor& inputs, const CallArgs&) {
  const auto& o = this->options_;
  internal::check_spatial_rank(this->name(), inputs.shape(), Derived::kRank);
  const auto size = internal::spatial_size(o.output_size);
  return Derived::kMaximum ? ops::adaptive_max_pool(inputs, size, o.data_format)
                           : ops::adaptive_average_pool(inputs, size, o.data_format);
}

#define KERAS_DEFINE_ADAPTIVE_POOLING(Name) \
  KERAS_REGISTER_LAYER(Name);               \
  template class BaseAdaptivePooling<Name>;
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveMaxPooling1D)
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveMaxPooling2D)
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveMaxPooling3D)
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveAveragePooling1D)
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveAveragePooling2D)
KERAS_DEFINE_ADAPTIVE_POOLING(AdaptiveAveragePooling3D)
#undef KERAS_DEFINE_ADAPTIVE_POOLING

}  // namespace keras::layers
