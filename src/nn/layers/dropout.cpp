// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/dropout.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/random.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Dropout);

Dropout::Dropout(DropoutOptions options) : ConfiguredLayer(std::move(options)) {
  if (!(options_.rate >= 0 && options_.rate <= 1)) {
    internal::fail<ValueError>(
        {kClassName, "rate must be between 0 and 1", fmt::format("rate={}", options_.rate), ""});
  }
  if (options_.rate > 0) seed_generator_ = add_seed_generator(options_.seed);
  set_supports_masking();
}

Dropout::Dropout(double rate, DropoutOptions options)
    : Dropout([&] {
        options.rate = rate;
        return std::move(options);
      }()) {}

Tensor Dropout::call(const Tensor& inputs, const CallArgs& args) {
  if (!args.training.value_or(false) || options_.rate == 0) return inputs;
  return random::dropout(inputs, options_.rate, options_.noise_shape.value_or(Shape{}), *seed_generator_);
}

}  // namespace keras::layers
