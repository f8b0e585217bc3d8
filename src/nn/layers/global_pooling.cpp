// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/global_pooling.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/data_format.h"
#include "nn/spatial.h"

namespace keras::layers {

template <class Derived>
BaseGlobalPooling<Derived>::BaseGlobalPooling(GlobalPoolingOptions options)
    : ConfiguredLayer<Derived, GlobalPoolingOptions>(std::move(options)) {
  auto& o = this->options_;
  o.data_format = internal::standardize_data_format(Derived::kClassName, o.data_format);
  if (Derived::kRank == 1 && !Derived::kMaximum) this->set_supports_masking();
}

template <class Derived>
Tensor BaseGlobalPooling<Derived>::call(const Tensor& inputs, const CallArgs& args) {
  const auto& o = this->options_;
  internal::check_spatial_rank(this->name(), inputs.shape(), Derived::kRank);
  const int first = internal::first_spatial_axis(o.data_format);
  Axes axes;
  for (int i = 0; i < Derived::kRank; ++i) axes.push_back(first + i);
  if (Derived::kMaximum) return ops::max(inputs, axes, o.keepdims);
  if (!this->supports_masking() || !args.mask.is_leaf()) return ops::mean(inputs, axes, o.keepdims);
  const Tensor mask = ops::cast(ops::expand_dims(args.mask.tensor(), first == 1 ? 2 : 1), DType::bool_);
  const Tensor kept = ops::where(mask, inputs, ops::zeros_like(inputs));
  return ops::sum(kept, axes, o.keepdims) / ops::sum(ops::cast(mask, inputs.dtype()), axes, o.keepdims);
}

template <class Derived>
internal::CallSignature BaseGlobalPooling<Derived>::call_signature() const {
  internal::CallSignature signature;
  signature.mask = this->supports_masking();
  return signature;
}

template <class Derived>
Nest BaseGlobalPooling<Derived>::compute_mask(const Nest&, const Nest&) {
  return {};
}

#define KERAS_DEFINE_GLOBAL_POOLING(Name) \
  KERAS_REGISTER_LAYER(Name);             \
  template class BaseGlobalPooling<Name>;
KERAS_DEFINE_GLOBAL_POOLING(GlobalMaxPooling1D)
KERAS_DEFINE_GLOBAL_POOLING(GlobalMaxPooling2D)
KERAS_DEFINE_GLOBAL_POOLING(GlobalMaxPooling3D)
KERAS_DEFINE_GLOBAL_POOLING(GlobalAveragePooling1D)
KERAS_DEFINE_GLOBAL_POOLING(GlobalAveragePooling2D)
KERAS_DEFINE_GLOBAL_POOLING(GlobalAveragePooling3D)
#undef KERAS_DEFINE_GLOBAL_POOLING

}  // namespace keras::layers
