// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/identity.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Identity);
KERAS_REGISTER_LAYER(ActivityRegularization);
KERAS_REGISTER_LAYER(Masking);

Identity::Identity(IdentityOptions options) : ConfiguredLayer(std::move(options)) { set_supports_masking(); }

Nest Identity::call_nest(const Nest& inputs, const CallArgs&) { return inputs; }

ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options)
    : ConfiguredLayer(std::move(options)) {
  core().activity_regularizer =
      make_object<Regularizer>(ObjectCategory::regularizer, "L1L2",
                               Json::dict({{"l1", options_.l1}, {"l2", options_.l2}}), kClassName);
  set_supports_masking();
}

ActivityRegularization::ActivityRegularization(double l1, double l2, ActivityRegularizationOptions options)
    : ActivityRegularization([&] {
        options.l1 = l1;
        options.l2 = l2;
        return std::move(options);
      }()) {}

Tensor ActivityRegularization::call(const Tensor& inputs, const CallArgs&) { return inputs; }

Masking::Masking(MaskingOptions options) : ConfiguredLayer(std::move(options)) { set_supports_masking(); }

Masking::Masking(double mask_value, MaskingOptions options)
    : Masking([&] {
        options.mask_value = mask_value;
        return std::move(options);
      }()) {}

Tensor Masking::call(const Tensor& inputs, const CallArgs&) {
  const Tensor kept = ops::any(inputs != Tensor(options_.mask_value), -1, true);
  return ops::where(kept, inputs, ops::zeros_like(inputs));
}

Nest Masking::compute_mask(const Nest& inputs, const Nest&) {
  return ops::any(inputs.tensor() != Tensor(options_.mask_value), -1);
}

}  // namespace keras::layers
