// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/reshaping.h"
#include "keras/ops/numpy.h"
#include "keras/tensor/config.h"
#include "nn/data_format.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Flatten);

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

}  // namespace keras::layers
