// SPDX-License-Identifier: Apache-2.0
#include "keras/models/sequential.h"
#include "keras/ops/operation.h"

namespace keras {

Tensor Input(const Shape& shape, const InputOptions& options) {
  Shape batched{options.batch_size ? Dim(*options.batch_size) : Dim::unknown()};
  for (const Dim d : shape) batched.push_back(d);
  const DType dtype = options.dtype.empty() ? floatx() : parse_dtype(options.dtype);
  return keras_tensor({dtype, batched},
                      options.name.empty() ? internal::auto_name("input_layer") : options.name);
}

}  // namespace keras
