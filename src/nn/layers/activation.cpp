// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/activation.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Activation);
KERAS_REGISTER_LAYER(ReLU);
KERAS_REGISTER_LAYER(LeakyReLU);
KERAS_REGISTER_LAYER(PReLU);
KERAS_REGISTER_LAYER(ELU);
KERAS_REGISTER_LAYER(Softmax);

namespace {

void require_not_negative(const char* where, const char* what, double value) {
  if (!(value >= 0)) {
    internal::fail<ValueError>(
        {where, fmt::format("{} must not be negative", what), fmt::format("{}={}", what, value), ""});
  }
}

}  // namespace

Activation::Activation(ActivationLayerOptions options) : ConfiguredLayer(std::move(options)) {
  if (!options_.activation) options_.activation = "linear";
  set_supports_masking();
}

Activation::Activation(ObjectRef<::keras::Activation> activation, ActivationLayerOptions options)
    : Activation([&] {
        options.activation = std::move(activation);
        return std::move(options);
      }()) {}

Tensor Activation::call(const Tensor& inputs, const CallArgs&) { return (*options_.activation)(inputs); }

ReLU::ReLU(ReLUOptions options) : ConfiguredLayer(std::move(options)) {
  if (options_.max_value) require_not_negative(kClassName, "max_value", *options_.max_value);
  require_not_negative(kClassName, "negative_slope", options_.negative_slope);
  require_not_negative(kClassName, "threshold", options_.threshold);
  set_supports_masking();
}

Tensor ReLU::call(const Tensor& x, const CallArgs&) {
  const auto& o = options_;
  if (o.negative_slope != 0 && !o.max_value && o.threshold == 0) return ops::leaky_relu(x, o.negative_slope);
  Tensor y = o.threshold != 0 ? x * ops::cast(x > Tensor(o.threshold), x.dtype()) : ops::relu(x);
  if (o.max_value) y = ops::clip(y, 0, *o.max_value);
  if (o.negative_slope != 0) y = y - o.negative_slope * ops::relu(o.threshold - x);
  return y;
}

LeakyReLU::LeakyReLU(LeakyReLUOptions options) : ConfiguredLayer(std::move(options)) {
  require_not_negative(kClassName, "negative_slope", options_.negative_slope);
  set_supports_masking();
}

LeakyReLU::LeakyReLU(double negative_slope, LeakyReLUOptions options)
    : LeakyReLU([&] {
        options.negative_slope = negative_slope;
        return std::move(options);
      }()) {}

Tensor LeakyReLU::call(const Tensor& x, const CallArgs&) {
  return ops::leaky_relu(x, options_.negative_slope);
}

PReLU::PReLU(PReLUOptions options) : ConfiguredLayer(std::move(options)) { set_supports_masking(); }

void PReLU::build(const Shape& input_shape) {
  Shape shape = input_shape.sub(1);
  if (options_.shared_axes) {
    for (const int64_t axis : *options_.shared_axes) {
      const int a = normalize_axis(kClassName, axis, input_shape.rank());
      if (a == 0) {
        internal::fail<ValueError>(
            {name(), "shared_axes cannot hold the batch axis", "0", "axes count from 1"});
      }
      shape[static_cast<size_t>(a) - 1] = 1;
    }
  }
  add_weight(alpha, "alpha", shape,
             {.initializer = options_.alpha_initializer,
              .regularizer = options_.alpha_regularizer,
              .constraint = options_.alpha_constraint});
}

Tensor PReLU::call(const Tensor& x, const CallArgs&) { return ops::relu(x) + -alpha.value() * ops::relu(-x); }

ELU::ELU(ELUOptions options) : ConfiguredLayer(std::move(options)) { set_supports_masking(); }

ELU::ELU(double alpha, ELUOptions options)
    : ELU([&] {
        options.alpha = alpha;
        return std::move(options);
      }()) {}

Tensor ELU::call(const Tensor& x, const CallArgs&) { return ops::elu(x, options_.alpha); }

Softmax::Softmax(SoftmaxOptions options) : ConfiguredLayer(std::move(options)) { set_supports_masking(); }

Softmax::Softmax(int64_t axis, SoftmaxOptions options)
    : Softmax([&] {
        options.axis = axis;
        return std::move(options);
      }()) {}

Tensor Softmax::call(const Tensor& inputs, const CallArgs& args) {
  Tensor x = inputs;
  Tensor mask;
  if (args.mask.is_leaf()) {
    mask = args.mask.tensor();
    if (mask.dtype() != DType::bool_) mask = mask > Tensor(0.5);
    const double large = x.dtype() == DType::float16 ? -3e4 : -1e9;
    x = ops::where(mask, x, ops::cast(Tensor(large), x.dtype()));
  }
  const auto& axes = options_.axis.values();
  const int rank = x.rank();
  Tensor y = options_.axis.none() || axes.size() > 1
                 ? ops::exp(x - ops::logsumexp(x, options_.axis, true))
                 : ops::softmax(x, normalize_axis(kClassName, axes[0], rank));
  // A slice that is masked everywhere would be uniform otherwise.
  if (mask.defined()) y = ops::where(mask, y, ops::zeros_like(y));
  return y;
}

}  // namespace keras::layers
