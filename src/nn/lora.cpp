// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/lora.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/fused_calls.h"
#include "runtime/trace.h"

namespace keras {

void LowRankAdapted::add_factors(const std::string& layer, std::string_view weight, bool constrained,
                                 const ObjectRef<Regularizer>& regularizer, int64_t rank,
                                 const LoraOptions& options, const AddWeight& add) {
  const Variable& kernel = adapted_weight();
  if (rank < 1) {
    internal::fail<ValueError>({layer, "lora_rank must be positive", fmt::format("lora_rank={}", rank), ""});
  }
  if (constrained) {
    internal::fail<ValueError>({layer, fmt::format("A {} with a constraint cannot be adapted", weight), "",
                                fmt::format("leave out {}_constraint", weight)});
  }
  if (!kernel.defined()) {
    internal::fail<ValueError>({layer, "enable_lora needs a layer that is built", "an unbuilt layer",
                                "call the layer, or ensure_built, or give lora_rank to the constructor"});
  }
  if (lora_enabled()) {
    internal::fail<ValueError>(
        {layer, "Low-rank adaptation can be enabled once", "it is enabled already", ""});
  }
  const size_t axes = kernel.shape().size();
  const Dim last = kernel.shape().back();
  Shape left = kernel.shape().sub(0, axes - 1);
  left.push_back(rank);
  add(lora_a, fmt::format("lora_{}_a", weight), left,
      {.initializer = options.a_initializer, .regularizer = regularizer, .dtype = DType::float32});
  add(lora_b, fmt::format("lora_{}_b", weight), Shape{Dim(rank), last},
      {.initializer = options.b_initializer, .regularizer = regularizer, .dtype = DType::float32});
  kernel.set_trainable(false);
  internal::outdate_traces();
  *alpha_ = options.alpha.value_or(static_cast<double>(rank));
}

Tensor LowRankAdapted::merged_weight(DType dtype) const {
  const Tensor kernel = adapted_weight().value();
  if (!lora_enabled()) return kernel;
  const double factor = *alpha_ / static_cast<double>(lora_b.shape()[0].value());
  const Tensor change = ops::matmul(lora_a.value(), lora_b.value()) * factor;
  return ops::cast(kernel + ops::cast(change, kernel.dtype()), dtype);
}

Json LowRankAdapted::with_lora(Json config) const {
  if (lora_enabled()) {
    config.set("lora_rank", lora_b.shape()[0].value());
    config.set("lora_alpha", *alpha_);
  } else if (!config["lora_rank"].is_null() && config["lora_alpha"].is_null()) {
    config.set("lora_alpha", config["lora_rank"]);
  } else if (config["lora_rank"].is_null()) {
    config.set("lora_alpha", nullptr);
  }
  return internal::without_null(std::move(config), {"lora_rank", "lora_alpha"});
}

}  // namespace keras
