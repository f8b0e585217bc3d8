// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/spatial_dropout.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/random.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived, class OptionsType>
BaseSpatialDropout<Derived, OptionsType>::BaseSpatialDropout(OptionsType options)
    : ConfiguredLayer<Derived, OptionsType>(std::move(options)) {
  auto& o = this->options_;
  if (!(o.rate >= 0 && o.rate <= 1)) {
    internal::fail<ValueError>(
        {Derived::kClassName, "rate must be between 0 and 1", fmt::format("rate={}", o.rate), ""});
  }
  if constexpr (requires { o.data_format; }) {
    o.data_format = internal::standardize_data_format(Derived::kClassName, o.data_format);
  }
  if (o.rate > 0) seed_generator_ = this->add_seed_generator(o.seed);
  this->set_supports_masking();
}

template <class Derived, class OptionsType>
Tensor BaseSpatialDropout<Derived, OptionsType>::call(const Tensor& inputs, const CallArgs& args) {
  const auto& o = this->options_;
  internal::check_spatial_rank(this->name(), inputs.shape(), Derived::kRank);
  if (!args.training.value_or(false) || o.rate == 0) return inputs;
  int first = 1;
  if constexpr (requires { o.data_format; }) first = internal::first_spatial_axis(o.data_format);
  Shape noise_shape = inputs.shape();
  for (int i = 0; i < Derived::kRank; ++i) noise_shape[static_cast<size_t>(first + i)] = 1;
  return random::dropout(inputs, o.rate, noise_shape, *seed_generator_);
}

// Keras writes the dtype as a plain name and leaves `trainable` out.
template <class Derived, class OptionsType>
Json BaseSpatialDropout<Derived, OptionsType>::get_config() const {
  Json config = ConfiguredLayer<Derived, OptionsType>::get_config();
  config.set("dtype", this->dtype_policy().name());
  return config;
}

template class BaseSpatialDropout<SpatialDropout1D, SpatialDropout1DOptions>;
template class BaseSpatialDropout<SpatialDropout2D, SpatialDropoutOptions>;
template class BaseSpatialDropout<SpatialDropout3D, SpatialDropoutOptions>;

#define KERAS_DEFINE_SPATIAL_DROPOUT(Name, OptionsType) \
  KERAS_REGISTER_LAYER(Name);                           \
  Name::Name(double rate, OptionsType options)          \
      : Name([&] {                                      \
          options.rate = rate;                          \
          return std::move(options);                    \
        }()) {}
KERAS_DEFINE_SPATIAL_DROPOUT(SpatialDropout1D, SpatialDropout1DOptions)
KERAS_DEFINE_SPATIAL_DROPOUT(SpatialDropout2D, SpatialDropout2DOptions)
KERAS_DEFINE_SPATIAL_DROPOUT(SpatialDropout3D, SpatialDropout3DOptions)
#undef KERAS_DEFINE_SPATIAL_DROPOUT

}  // namespace keras::layers
