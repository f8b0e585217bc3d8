// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/dense.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/fused_calls.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Dense);

Dense::Dense(DenseOptions options) : ConfiguredLayer(std::move(options)) {
  if (options_.units < 1) {
    internal::fail<ValueError>(
        {"Dense", "units must be a positive integer", fmt::format("units={}", options_.units), ""});
  }
  if (!options_.activation) options_.activation = "linear";
  core().activity_regularizer = options_.activity_regularizer;
  set_supports_masking();
}

Dense::Dense(int64_t units, DenseOptions options)
    : Dense([&] {
        options.units = units;
        return std::move(options);
      }()) {}

void Dense::build(const Shape& input_shape) {
  if (input_shape.rank() < 2 || !input_shape.back().known()) {
    internal::fail<ValueError>(
        {name(), "The input needs a batch axis and a last axis of known size", input_shape.to_string(), ""});
  }
  add_weight(kernel, "kernel", {input_shape.back(), options_.units},
             {.initializer = options_.kernel_initializer,
              .regularizer = options_.kernel_regularizer,
              .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    add_weight(bias, "bias", {options_.units},
               {.initializer = options_.bias_initializer,
                .regularizer = options_.bias_regularizer,
                .constraint = options_.bias_constraint});
  }
}

Tensor Dense::call(const Tensor& inputs, const CallArgs&) {
  return internal::linear(inputs, kernel.value(), options_.use_bias ? bias.value() : Tensor(),
                          *options_.activation);
}

Json Dense::get_config() const {
  return internal::without_null(ConfiguredLayer::get_config(), {"activity_regularizer"});
}

}  // namespace keras::layers
