// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/category_encoding.h"

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "nn/categorical_encoding.h"
#include "nn/conv_arguments.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(CategoryEncoding);

CategoryEncoding::CategoryEncoding(CategoryEncodingOptions options) : ConfiguredLayer(std::move(options)) {
  internal::require_positive(kClassName, "num_tokens", options_.num_tokens);
  options_.output_mode = internal::standardize_output_mode(kClassName, options_.output_mode, false);
  core().convert_inputs = false;
}

CategoryEncoding::CategoryEncoding(int64_t num_tokens, CategoryEncodingOptions options)
    : CategoryEncoding([&] {
        options.num_tokens = num_tokens;
        return std::move(options);
      }()) {}

Tensor CategoryEncoding::call(const Tensor& inputs, const CallArgs& args) {
  Tensor weights;
  for (const auto& [argument, value] : args.others) {
    if (argument != "count_weights") {
      internal::fail_unknown_name(name(), "argument", argument, {"count_weights"});
    }
    if (value.is_leaf()) weights = ops::cast(value.tensor(), compute_dtype());
  }
  if (weights.defined() && options_.output_mode != "count") {
    internal::fail<ValueError>({name(), "count_weights are used with output_mode=\"count\"",
                                "output_mode='" + options_.output_mode + "'", ""});
  }
  return internal::encode_categorical(inputs, options_.output_mode, options_.num_tokens, variable_dtype(),
                                      weights);
}

// Keras 3.15 does not write `sparse`; every release takes its absence for false.
Json CategoryEncoding::get_config() const {
  Json config = ConfiguredLayer::get_config();
  if (!options_.sparse) config.erase("sparse");
  return config;
}

}  // namespace keras::layers
