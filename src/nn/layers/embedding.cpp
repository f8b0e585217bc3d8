// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/embedding.h"

#include <fmt/format.h>

#include <limits>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Embedding);

Embedding::Embedding(EmbeddingOptions options) : ConfiguredLayer(std::move(options)) {
  if (options_.input_dim < 1 || options_.output_dim < 1) {
    internal::fail<ValueError>(
        {kClassName, "input_dim and output_dim must be positive",
         fmt::format("input_dim={}, output_dim={}", options_.input_dim, options_.output_dim), ""});
  }
  core().activity_regularizer = options_.activity_regularizer;
  core().autocast = false;
  if (options_.mask_zero) set_supports_masking();
}

Embedding::Embedding(int64_t input_dim, int64_t output_dim, EmbeddingOptions options)
    : Embedding([&] {
        options.input_dim = input_dim;
        options.output_dim = output_dim;
        return std::move(options);
      }()) {}

void Embedding::build(const Shape&) {
  add_weight(embeddings, "embeddings", {options_.input_dim, options_.output_dim},
             {.initializer = options_.embeddings_initializer,
              .regularizer = options_.embeddings_regularizer,
              .constraint = options_.embeddings_constraint});
  if (options_.lora_rank) enable_lora(*options_.lora_rank, {.alpha = options_.lora_alpha});
}

void Embedding::enable_lora(int64_t rank, LoraOptions options) {
  add_factors(name(), "embeddings", static_cast<bool>(options_.embeddings_constraint),
              options_.embeddings_regularizer, rank, options,
              [this](Variable& member, std::string_view weight, const Shape& shape,
                     const WeightOptions& how) { add_weight(member, weight, shape, how); });
}

Json Embedding::get_config() const { return with_lora(ConfiguredLayer::get_config()); }

Tensor Embedding::call(const Tensor& inputs, const CallArgs&) {
  const bool index = inputs.dtype() == DType::int32 || inputs.dtype() == DType::int64;
  // A cast makes NaN 0, which is an index; minus infinity becomes one that no table has.
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const Tensor given = is_float(inputs.dtype()) ? ops::where(ops::isnan(inputs), kNone, inputs) : inputs;
  const Tensor indices = index ? inputs : ops::cast(given, DType::int32);
  return ops::cast(ops::take(merged_weight(compute_dtype()), indices, 0), compute_dtype());
}

Nest Embedding::compute_mask(const Nest& inputs, const Nest&) {
  if (!options_.mask_zero) return {};
  return inputs.tensor() != Tensor(0);
}

}  // namespace keras::layers
