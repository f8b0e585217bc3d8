// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/graph/op_attributes.h"
#include "keras/nn/layers/recurrent.h"

namespace keras::internal {

/// Whether the fused ops lstm and gru compute a cell: by its activations and dropout, and by what the layer's
/// `use_cudnn` says. Throws ValueError for another `use_cudnn`, or when it insists in vain.
bool fused(const layers::RNN& layer, const Json& use_cudnn, const Activation& activation,
           const Activation& recurrent_activation, bool dropout_per_gate);
/// The attributes of the ops for a layer.
RecurrentAttributes fused_attributes(const layers::RNN& layer, const Activation& activation,
                                     const Activation& recurrent_activation);
/// What RNN gives, from an op's results: outputs at their steps' indices, and the last states.
layers::RNN::Sequence fused_result(const layers::RNN& layer, const Tensors& results, const Tensor& mask);

}  // namespace keras::internal
