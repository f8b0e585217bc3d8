// SPDX-License-Identifier: Apache-2.0
#include "nn/fused_calls.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "nn/remat_call.h"

namespace keras::internal {

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, const Activation& activation) {
  if (!(x.dim(-1) == w.dim(0)) && x.dim(-1).known()) {
    fail<ValueError>({"Dense", "The input's last axis must be what the layer was built for",
                      fmt::format("input {}, kernel {}", x.shape().to_string(), w.shape().to_string()), ""});
  }
  auto attributes = make_attributes<ActivationAttributes>();
  // The crossentropies look for the logits behind a sigmoid, which only the op itself notes.
  const bool apart = activation.fused_kind() == KERAS_ACT_SIGMOID || RematActivations::on();
  const int kind = apart ? -1 : activation.fused_kind();
  attributes.activation = kind >= 0 ? kind : KERAS_ACT_LINEAR;
  attributes.alpha = kind == KERAS_ACT_ELU ? 1.0 : 0.0;
  const Tensor y = b.defined() ? apply_op(OpId::linear_op, attributes, {x, w, b})
                               : apply_op(OpId::linear_op, attributes, {x, w});
  return kind >= 0 ? y : activation(y);
}

Json without_null(Json config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const Json* value = config.find(key); value != nullptr && value->is_null()) config.erase(key);
  }
  return config;
}

}  // namespace keras::internal
