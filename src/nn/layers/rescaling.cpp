// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/rescaling.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Rescaling);

Rescaling::Rescaling(RescalingOptions options) : ConfiguredLayer(std::move(options)) {
  set_supports_masking();
}

Rescaling::Rescaling(double scale, double offset, RescalingOptions options)
    : Rescaling([&] {
        options.scale = scale;
        options.offset = offset;
        return std::move(options);
      }()) {}

namespace {

Tensor to_tensor(const Json& value, DType dtype) {
  if (value.is_number()) return ops::cast(Tensor(value.as_real("Rescaling")), dtype);
  std::vector<double> items;
  for (const auto& item : value.as_list("Rescaling")) items.push_back(item.as_real("Rescaling"));
  return ops::cast(Tensor::from(items), dtype);
}

}  // namespace

Tensor Rescaling::call(const Tensor& inputs, const CallArgs&) {
  const DType dtype = compute_dtype();
  return ops::cast(inputs, dtype) * to_tensor(options_.scale, dtype) + to_tensor(options_.offset, dtype);
}

}  // namespace keras::layers
