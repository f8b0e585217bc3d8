// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/noise.h"

#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(GaussianNoise);
KERAS_REGISTER_LAYER(GaussianDropout);
KERAS_REGISTER_LAYER(AlphaDropout);

namespace {

void check_unit_interval(const char* where, const char* what, double value) {
  if (value >= 0 && value <= 1) return;
  internal::fail<ValueError>(
      {where, fmt::format("{} must be between 0 and 1", what), fmt::format("{}={}", what, value), ""});
}

}  // namespace

GaussianNoise::GaussianNoise(GaussianNoiseOptions options) : ConfiguredLayer(std::move(options)) {
  check_unit_interval(kClassName, "stddev", options_.stddev);
  if (options_.stddev > 0) seed_generator_ = add_seed_generator(options_.seed);
  set_supports_masking();
}

GaussianNoise::GaussianNoise(double stddev, GaussianNoiseOptions options)
    : GaussianNoise([&] {
        options.stddev = stddev;
        return std::move(options);
      }()) {}

Tensor GaussianNoise::call(const Tensor& inputs, const CallArgs& args) {
  if (!args.training.value_or(false) || options_.stddev == 0) return inputs;
  return inputs + random::normal(inputs.shape(), 0.0, options_.stddev, compute_dtype(), *seed_generator_);
}

GaussianDropout::GaussianDropout(GaussianDropoutOptions options) : ConfiguredLayer(std::move(options)) {
  check_unit_interval(kClassName, "rate", options_.rate);
  if (options_.rate > 0) seed_generator_ = add_seed_generator(options_.seed);
  set_supports_masking();
}

GaussianDropout::GaussianDropout(double rate, GaussianDropoutOptions options)
    : GaussianDropout([&] {
        options.rate = rate;
        return std::move(options);
      }()) {}

Tensor GaussianDropout::call(const Tensor& inputs, const CallArgs& args) {
  if (!args.training.value_or(false) || options_.rate == 0) return inputs;
  if (options_.rate == 1) {
    internal::fail<ValueError>(
        {name(), "The noise of rate 1 has an infinite variance", "rate=1", "use a rate below 1"});
  }
  const double stddev = std::sqrt(options_.rate / (1 - options_.rate));
  return inputs * random::normal(inputs.shape(), 1.0, stddev, compute_dtype(), *seed_generator_);
}

AlphaDropout::AlphaDropout(AlphaDropoutOptions options) : ConfiguredLayer(std::move(options)) {
  check_unit_interval(kClassName, "rate", options_.rate);
  if (options_.rate > 0) seed_generator_ = add_seed_generator(options_.seed);
  set_supports_masking();
}

AlphaDropout::AlphaDropout(double rate, AlphaDropoutOptions options)
    : AlphaDropout([&] {
        options.rate = rate;
        return std::move(options);
      }()) {}

Tensor AlphaDropout::call(const Tensor& inputs, const CallArgs& args) {
  if (!args.training.value_or(false) || options_.rate == 0) return inputs;
  Shape shape = inputs.shape();
  if (options_.noise_shape) {
    const Shape& given = *options_.noise_shape;
    if (given.size() > shape.size()) {
      internal::fail<ValueError>(
          {name(), "noise_shape must not have more axes than the input",
           fmt::format("noise_shape {}, input {}", given.to_string(), inputs.shape().to_string()), ""});
    }
    // An open axis is the input's.
    Shape wanted;
    for (size_t i = 0; i < given.size(); ++i) wanted.push_back(given[i].known() ? given[i] : shape[i]);
    shape = wanted;
  }
  // selu's constants, and its value at minus infinity.
  constexpr double kAlpha = 1.6732632423543772, kScale = 1.0507009873554805;
  constexpr double kDropped = -kAlpha * kScale;
  const double rate = options_.rate;
  const Tensor kept = random::uniform(shape, 0.0, 1.0, DType::float32, *seed_generator_) >= Tensor(rate);
  const Tensor keep = ops::cast(kept, inputs.dtype());
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * kDropped * kDropped));
  const double b = -a * kDropped * rate;
  const Tensor x = inputs * keep + kDropped * (1 - keep);
  return x * a + b;
}

}  // namespace keras::layers
