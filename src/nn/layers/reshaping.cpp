// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/reshaping.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/tensor/config.h"
#include "nn/data_format.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Flatten);
KERAS_REGISTER_LAYER(Reshape);
KERAS_REGISTER_LAYER(Permute);
KERAS_REGISTER_LAYER(RepeatVector);

Flatten::Flatten(FlattenOptions options) : ConfiguredLayer(std::move(options)) {
  options_.data_format = internal::standardize_data_format(kClassName, options_.data_format);
}

Tensor Flatten::call(const Tensor& inputs, const CallArgs&) {
  Tensor x = inputs;
  if (options_.data_format == "channels_first" && x.rank() > 2) x = ops::moveaxis(x, 1, -1);
  Dim size = 1;
  for (size_t a = 1; a < x.shape().size(); ++a) size = size * x.shape()[a];
  return ops::reshape(x, Shape{x.shape().front(), size});
}

Reshape::Reshape(ReshapeOptions options) : ConfiguredLayer(std::move(options)) {
  int open = 0;
  for (const Json& d : options_.target_shape.as_list("Reshape.target_shape")) {
    if (d.is_null() || d.as_int("Reshape.target_shape") == -1) ++open;
  }
  if (open > 1) {
    internal::fail<ValueError>(
        {kClassName, "target_shape may leave one item open", options_.target_shape.dump(), ""});
  }
}

Reshape::Reshape(std::vector<int64_t> target_shape, ReshapeOptions options)
    : Reshape([&] {
        options.target_shape = Json::List(target_shape.begin(), target_shape.end());
        return std::move(options);
      }()) {}

Tensor Reshape::call(const Tensor& inputs, const CallArgs&) {
  std::vector<int64_t> target;
  for (const Json& d : options_.target_shape.as_list()) target.push_back(d.is_null() ? -1 : d.as_int());
  // The batch may be unknown, so what remains is found without it.
  const Shape sample = ops::NewShape(target).resolve(kClassName, inputs.shape().sub(1));
  return ops::reshape(inputs, Shape{inputs.shape().front()} + sample);
}

Permute::Permute(PermuteOptions options) : ConfiguredLayer(std::move(options)) {
  auto sorted = options_.dims;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] == static_cast<int64_t>(i) + 1) continue;
    internal::fail<ValueError>({kClassName, "dims must hold 1, 2, ..., n once each",
                                FieldCodec<std::vector<int64_t>>::to_json(options_.dims).dump(), ""});
  }
}

Permute::Permute(std::vector<int64_t> dims, PermuteOptions options)
    : Permute([&] {
        options.dims = std::move(dims);
        return std::move(options);
      }()) {}

Tensor Permute::call(const Tensor& inputs, const CallArgs&) {
  std::vector<int64_t> axes{0};
  axes.insert(axes.end(), options_.dims.begin(), options_.dims.end());
  return ops::transpose(inputs, axes);
}

RepeatVector::RepeatVector(RepeatVectorOptions options) : ConfiguredLayer(std::move(options)) {
  if (options_.n < 1) {
    internal::fail<ValueError>(
        {kClassName, "n must be a positive integer", fmt::format("n={}", options_.n), ""});
  }
}

RepeatVector::RepeatVector(int64_t n, RepeatVectorOptions options)
    : RepeatVector([&] {
        options.n = n;
        return std::move(options);
      }()) {}

Tensor RepeatVector::call(const Tensor& inputs, const CallArgs&) {
  if (inputs.rank() != 2) {
    internal::fail<ValueError>({name(), "The input must be (batch, features)",
                                fmt::format("shape {}", inputs.shape().to_string()), ""});
  }
  return ops::repeat(ops::expand_dims(inputs, 1), options_.n, 1);
}

}  // namespace keras::layers
