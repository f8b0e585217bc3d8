// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "keras/nn/activations.h"
#include "keras/tensor/tensor.h"

namespace keras::internal {

/// activation(x w + b) as one fused op where the activation has a fused kind; b may be undefined.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, const Activation& activation);

/// The config without these keys where they are null: Keras writes them only when set.
Json without_null(Json config, std::initializer_list<const char*> keys);

}  // namespace keras::internal
