// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/normalization.h"

#include <fmt/format.h>

#include <cmath>
#include <tuple>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/math.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"
#include "ops/fused.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(BatchNormalization);
KERAS_REGISTER_LAYER(LayerNormalization);
KERAS_REGISTER_LAYER(GroupNormalization);
KERAS_REGISTER_LAYER(RMSNormalization);
KERAS_REGISTER_LAYER(UnitNormalization);

namespace {

Axes axes_but(const char* where, int64_t axis, int rank) {
  const int feature = normalize_axis(where, axis, rank);
  Axes axes;
  for (int a = 0; a < rank; ++a) {
    if (a != feature) axes.push_back(a);
  }
  return axes;
}

// Statistics of half precision are taken in float32.
Tensor widened(const Tensor& x) {
  const bool half = x.dtype() == DType::float16 || x.dtype() == DType::bfloat16;
  return half || !is_float(x.dtype()) ? ops::cast(x, DType::float32) : x;
}

template <class Options>
WeightOptions gamma_options(const Options& o) {
  return {.initializer = o.gamma_initializer,
          .autocast = false,
          .regularizer = o.gamma_regularizer,
          .constraint = o.gamma_constraint};
}

template <class Options>
WeightOptions beta_options(const Options& o) {
  return {.initializer = o.beta_initializer,
          .autocast = false,
          .regularizer = o.beta_regularizer,
          .constraint = o.beta_constraint};
}

Tensor value_as(const Variable& v, DType dtype) { return ops::cast(v.value(), dtype); }

Axes axes_of(const ops::Axis& axis) {
  Axes out;
  for (const int64_t a : axis.values()) out.push_back(static_cast<int>(a));
  return out;
}

// Once built, Keras writes a single axis as a list.
Json listed_axis(Json config, bool built) {
  if (built && config["axis"].is_int()) config.set("axis", Json::list({config["axis"]}));
  return config;
}

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationLayerOptions options)
    : ConfiguredLayer(std::move(options)) {
  const Json& clipping = options_.renorm_clipping;
  if (options_.renorm && !clipping.is_null()) {
    for (const auto& [key, value] : clipping.as_dict("BatchNormalization.renorm_clipping")) {
      if (key != "rmax" && key != "rmin" && key != "dmax") {
        internal::fail_unknown_name(kClassName, "renorm_clipping", key, {"rmax", "rmin", "dmax"});
      }
    }
  }
  set_supports_masking();
}

void BatchNormalization::build(const Shape& input_shape) {
  const Shape shape{input_shape.dim(static_cast<int>(options_.axis))};
  if (options_.scale) add_weight(gamma, "gamma", shape, gamma_options(options_));
  if (options_.center) add_weight(beta, "beta", shape, beta_options(options_));
  const WeightOptions mean{
      .initializer = options_.moving_mean_initializer, .trainable = false, .autocast = false};
  const WeightOptions variance{
      .initializer = options_.moving_variance_initializer, .trainable = false, .autocast = false};
  add_weight(moving_mean, "moving_mean", shape, mean);
  add_weight(moving_variance, "moving_variance", shape, variance);
  if (!options_.renorm) return;
  add_weight(moving_stddev, "moving_stddev", shape, variance);
  moving_stddev.assign(ops::sqrt(moving_stddev.value()));
  add_weight(renorm_mean, "renorm_mean", shape, mean);
  add_weight(renorm_stddev, "renorm_stddev", shape, variance);
  renorm_stddev.assign(ops::sqrt(renorm_stddev.value()));
}

std::pair<Tensor, Tensor> BatchNormalization::batch_moments(const Tensor& x, const Nest& mask) const {
  const int rank = x.rank();
  const Axes axes = axes_but(kClassName, options_.axis, rank);
  if (!mask.is_leaf()) return ops::moments(x, axes);
  const Tensor& given = mask.tensor();
  if (given.rank() != rank - 1) {
    internal::fail<ValueError>(
        {name(), "The mask must have the input's axes without the last one",
         fmt::format("mask {}, input {}", given.shape().to_string(), x.shape().to_string()), ""});
  }
  const Tensor zeros = ops::zeros_like(x);
  const Tensor kept =
      ops::logical_or(ops::expand_dims(ops::cast(given, DType::bool_), -1), ops::zeros_like(x, DType::bool_));
  const Tensor count = ops::sum(ops::cast(kept, x.dtype()), axes, true) + config::epsilon();
  const Tensor mean = ops::sum(ops::where(kept, x, zeros), axes, true) / count;
  const Tensor distance = ops::where(kept, x - mean, zeros);
  const Tensor variance = ops::sum(ops::square(distance), axes, true) / count;
  return {ops::squeeze(mean, axes), ops::squeeze(variance, axes)};
}

void BatchNormalization::update(const Variable& variable, const Tensor& value, double momentum) const {
  variable.assign(value_as(variable, value.dtype()) * momentum + value * (1.0 - momentum));
}

Tensor BatchNormalization::call(const Tensor& inputs, const CallArgs& args) {
  const auto& o = options_;
  const Tensor x = widened(inputs);
  const DType dtype = x.dtype();
  Tensor scale = o.scale ? value_as(gamma, dtype) : Tensor();
  Tensor offset = o.center ? value_as(beta, dtype) : Tensor();
  const bool trains = args.training.value_or(false) && trainable();
  if (trains && !o.renorm && !args.mask.is_leaf()) {
    // One op gives the result and the statistics.
    const Axes axes = axes_but(kClassName, o.axis, x.rank());
    const Shape width{x.dim(static_cast<int>(o.axis))};
    const Tensors out = internal::fused::batch_norm_train(
        x, scale.defined() ? scale : ops::ones(width, dtype),
        offset.defined() ? offset : ops::zeros(width, dtype), axes, o.epsilon);
    update(moving_mean, out[1], o.momentum);
    update(moving_variance, out[2], o.momentum);
    return ops::cast(out[0], compute_dtype());
  }
  Tensor mean;
  Tensor variance;
  if (trains) {
    std::tie(mean, variance) = batch_moments(x, args.mask);
    if (o.renorm) {
      const Tensor stddev = ops::sqrt(variance + o.epsilon);
      const Tensor known = ops::maximum(value_as(renorm_stddev, dtype), std::sqrt(o.epsilon));
      Tensor r = stddev / known;
      Tensor d = (mean - value_as(renorm_mean, dtype)) / known;
      const auto bound = [&](const char* key) {
        const Json* value = o.renorm_clipping.find(key);
        return value == nullptr || value->is_null() ? std::nullopt
                                                    : std::optional<double>(value->as_real(key));
      };
      if (const auto least = bound("rmin")) r = ops::maximum(r, *least);
      if (const auto most = bound("rmax")) r = ops::minimum(r, *most);
      if (const auto most = bound("dmax")) d = ops::clip(d, -*most, *most);
      r = ops::stop_gradient(r);
      d = ops::stop_gradient(d);
      if (scale.defined()) {
        d = d * scale;
        r = r * scale;
      }
      scale = r;
      offset = offset.defined() ? d + offset : d;
      update(renorm_mean, mean, o.renorm_momentum);
      update(renorm_stddev, stddev, o.renorm_momentum);
      update(moving_mean, mean, o.momentum);
      update(moving_stddev, stddev, o.momentum);
      const Tensor moving = value_as(moving_stddev, dtype);
      moving_variance.assign(ops::relu(moving * moving - o.epsilon));
    } else {
      update(moving_mean, mean, o.momentum);
      update(moving_variance, variance, o.momentum);
    }
  } else {
    mean = value_as(moving_mean, dtype);
    variance = value_as(moving_variance, dtype);
  }
  return ops::cast(
      ops::batch_normalization(x, mean, variance, static_cast<int>(o.axis), offset, scale, o.epsilon),
      compute_dtype());
}

LayerNormalization::LayerNormalization(LayerNormalizationLayerOptions options)
    : ConfiguredLayer(std::move(options)) {
  if (options_.axis.none()) {
    internal::fail<TypeError>({kClassName, "axis must be an integer or a list of them", "none", ""});
  }
  core().autocast = false;
  set_supports_masking();
}

void LayerNormalization::build(const Shape& input_shape) {
  Shape shape;
  for (const int64_t a : options_.axis.values()) shape.push_back(input_shape.dim(static_cast<int>(a)));
  if (options_.scale || options_.rms_scaling) add_weight(gamma, "gamma", shape, gamma_options(options_));
  if (options_.center && !options_.rms_scaling) add_weight(beta, "beta", shape, beta_options(options_));
}

Tensor LayerNormalization::call(const Tensor& inputs, const CallArgs&) {
  if (options_.rms_scaling) {
    const Tensor x = widened(inputs);
    const Axes axes = axes_of(options_.axis);
    const Tensor variance = ops::var(x, axes, true);
    Shape shape(x.rank(), Dim(1));
    for (const int a : options_.axis.resolve(kClassName, x.rank())) shape[static_cast<size_t>(a)] = x.dim(a);
    const Tensor factor = ops::reshape(value_as(gamma, x.dtype()), shape);
    return ops::cast(x * (ops::rsqrt(variance + options_.epsilon) * factor), compute_dtype());
  }
  const Tensor factor = gamma.defined() ? gamma.value() : Tensor();
  const Tensor summand = beta.defined() ? beta.value() : Tensor();
  return ops::cast(
      ops::layer_normalization(inputs, factor, summand, axes_of(options_.axis), options_.epsilon),
      compute_dtype());
}

Json LayerNormalization::get_config() const { return listed_axis(ConfiguredLayer::get_config(), built()); }

GroupNormalization::GroupNormalization(GroupNormalizationOptions options)
    : ConfiguredLayer(std::move(options)) {
  if (options_.groups < 1 && options_.groups != -1) {
    internal::fail<ValueError>({kClassName, "groups must be positive, or -1 for one group a channel",
                                fmt::format("groups={}", options_.groups), ""});
  }
  core().autocast = false;
  set_supports_masking();
}

GroupNormalization::GroupNormalization(int64_t groups, GroupNormalizationOptions options)
    : GroupNormalization([&] {
        options.groups = groups;
        return std::move(options);
      }()) {}

void GroupNormalization::build(const Shape& input_shape) {
  const Dim channels = input_shape.dim(static_cast<int>(options_.axis));
  if (!channels.known() || (options_.groups > 0 && channels.value() % options_.groups != 0)) {
    internal::fail<ValueError>({name(), "The channels must be known and a multiple of groups",
                                fmt::format("input {}, groups={}", input_shape.to_string(), options_.groups),
                                ""});
  }
  if (options_.scale) add_weight(gamma, "gamma", {channels}, gamma_options(options_));
  if (options_.center) add_weight(beta, "beta", {channels}, beta_options(options_));
}

Tensor GroupNormalization::call(const Tensor& inputs, const CallArgs&) {
  const Shape& shape = inputs.shape();
  const auto axis = static_cast<size_t>(normalize_axis(kClassName, options_.axis, inputs.rank()));
  const int64_t channels = shape[axis].value();
  const int64_t groups = options_.groups == -1 ? channels : options_.groups;
  Shape grouped = shape;
  grouped[axis] = channels / groups;
  grouped.insert(axis, groups);
  Shape vector(grouped.rank(), Dim(1));
  vector[axis] = groups;
  vector[axis + 1] = channels / groups;
  Axes axes;
  for (int a = 1; a < grouped.rank(); ++a) {
    if (a != static_cast<int>(axis)) axes.push_back(a);
  }
  const Tensor x = ops::reshape(widened(inputs), grouped);
  const auto [mean, variance] = ops::moments(x, axes, true);
  Tensor factor = ops::rsqrt(variance + options_.epsilon);
  if (options_.scale) factor = factor * ops::reshape(value_as(gamma, x.dtype()), vector);
  Tensor summand = -mean * factor;
  if (options_.center) summand = summand + ops::reshape(value_as(beta, x.dtype()), vector);
  return ops::cast(ops::reshape(ops::cast(x * factor + summand, inputs.dtype()), shape), compute_dtype());
}

Json GroupNormalization::get_config() const {
  Json config = ConfiguredLayer::get_config();
  if (built() && options_.groups == -1) {
    config.set("groups", core().build_shapes.front().dim(static_cast<int>(options_.axis)).value());
  }
  return config;
}

RMSNormalization::RMSNormalization(RMSNormalizationOptions options) : ConfiguredLayer(std::move(options)) {}

void RMSNormalization::build(const Shape& input_shape) {
  Shape shape;
  for (const int64_t a : options_.axis.values()) shape.push_back(input_shape.dim(static_cast<int>(a)));
  add_weight(scale, "scale", shape, {.initializer = "ones"});
}

Tensor RMSNormalization::call(const Tensor& inputs, const CallArgs&) {
  return ops::rms_normalization(inputs, scale.value(), axes_of(options_.axis), options_.epsilon);
}

Json RMSNormalization::get_config() const { return listed_axis(ConfiguredLayer::get_config(), built()); }

UnitNormalization::UnitNormalization(UnitNormalizationOptions options) : ConfiguredLayer(std::move(options)) {
  set_supports_masking();
}

Tensor UnitNormalization::call(const Tensor& inputs, const CallArgs&) {
  return ops::normalize(inputs, axes_of(options_.axis), 2, 1e-12);
}

}  // namespace keras::layers
