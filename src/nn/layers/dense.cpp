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
  if (options_.lora_rank) enable_lora(*options_.lora_rank, {.alpha = options_.lora_alpha});
}

void Dense::enable_lora(int64_t rank, LoraOptions options) {
  add_factors(name(), "kernel", static_cast<bool>(options_.kernel_constraint), options_.kernel_regularizer,
              rank, options,
              [this](Variable& member, std::string_view weight, const Shape& shape,
                     const WeightOptions& how) { add_weight(member, weight, shape, how); });
}

Tensor Dense::call(const Tensor& inputs, const CallArgs&) {
  return internal::linear(inputs, merged_weight(compute_dtype()), options_.use_bias ? bias.value() : Tensor(),
                          *options_.activation);
}

Json Dense::get_config() const {
  return internal::without_null(with_lora(ConfiguredLayer::get_config()), {"activity_regularizer"});
}

}  // namespace keras::layers
