// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/ops/operation.h"

namespace keras::internal {

/// The layer's call_nest, computed again in the backward pass where the RematScope that the layer was made in
/// says so.
Nest call_in_remat_mode(Layer& layer, const Nest& inputs, const CallArgs& args);
/// The same for an operation of a functional model; that of a layer leaves it to the layer.
std::vector<Tensor> call_in_remat_mode(const std::shared_ptr<Operation>& operation, const Nest& args,
                                       const Nest& kwargs);

/// Within its life, activation functions are rematerialized, or are not.
class RematActivations {
 public:
  explicit RematActivations(bool on);
  ~RematActivations();
  RematActivations(const RematActivations&) = delete;
  RematActivations& operator=(const RematActivations&) = delete;
  static bool on();

 private:
  bool previous_;
};

}  // namespace keras::internal
