// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/feature_normalization.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"
#include "runtime/trace.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Normalization);

namespace {

// A number, or nested lists of equal lengths, as a tensor.
Tensor nested_tensor(const Json& value, const char* what) {
  Shape shape;
  std::vector<double> numbers;
  const auto walk = [&](const auto& self, const Json& item, size_t depth) -> void {
    if (!item.is_list()) {
      if (depth != shape.size()) {
        internal::fail<ValueError>(
            {"Normalization", fmt::format("{} must be a regular list", what), value.dump(), ""});
      }
      numbers.push_back(item.as_real(what));
      return;
    }
    const auto size = static_cast<int64_t>(item.size());
    if (depth == shape.size() && numbers.empty()) shape.push_back(size);
    if (depth >= shape.size() || !(shape[depth] == Dim(size))) {
      internal::fail<ValueError>(
          {"Normalization", fmt::format("{} must be a regular list", what), value.dump(), ""});
    }
    for (const Json& inner : item.as_list()) self(self, inner, depth + 1);
  };
  walk(walk, value, 0);
  return Tensor::from(numbers, shape);
}

}  // namespace

Normalization::Normalization(ops::Axis axis, NormalizationOptions options)
    : ConfiguredLayer([&] {
        options.axis = axis;
        return std::move(options);
      }()) {
  set_supports_masking();
  const auto& o = options_;
  if (o.mean.is_null() != o.variance.is_null()) {
    internal::fail<ValueError>({kClassName, "mean and variance are given together or not at all",
                                fmt::format("mean={}, variance={}", o.mean.dump(), o.variance.dump()), ""});
  }
  if (o.mean.is_null()) return;
  const Shape shape = nested_tensor(o.mean, "mean").shape();
  const Shape other = nested_tensor(o.variance, "variance").shape();
  if (!(shape == other)) {
    internal::fail<ValueError>({kClassName, "mean and variance must have the same shape",
                                fmt::format("{} and {}", shape.to_string(), other.to_string()), ""});
  }
  if (shape.size() > o.axis.values().size()) {
    internal::fail<ValueError>(
        {kClassName, fmt::format("mean must not have more axes than axis has ({})", o.axis.values().size()),
         fmt::format("mean of shape {}", shape.to_string()), ""});
  }
}

Axes Normalization::kept_axes(int rank) const {
  Axes axes;
  for (const int64_t a : options_.axis.values()) axes.push_back(normalize_axis(name(), a, rank));
  std::sort(axes.begin(), axes.end());
  return axes;
}

Axes Normalization::reduced_axes(int rank) const {
  const Axes kept = kept_axes(rank);
  Axes axes;
  for (int a = 0; a < rank; ++a) {
    if (std::find(kept.begin(), kept.end(), a) == kept.end()) axes.push_back(a);
  }
  return axes;
}

void Normalization::build(const Shape& input_shape) {
  Shape shape;
  for (const int a : kept_axes(input_shape.rank())) {
    if (!input_shape.dim(a).known()) {
      internal::fail<ValueError>({name(), fmt::format("Axis {} must have a known size", a),
                                  fmt::format("input {}", input_shape.to_string()), ""});
    }
    shape.push_back(input_shape.dim(a));
  }
  if (!options_.mean.is_null()) return;
  add_weight(mean, "mean", shape, {.initializer = "zeros", .trainable = false});
  add_weight(variance, "variance", shape, {.initializer = "ones", .trainable = false});
  add_weight(count, "count", {}, {.initializer = "zeros", .trainable = false, .dtype = DType::int64});
}

Tensor Normalization::broadcast_shaped(const Tensor& statistic, const Shape& input_shape) const {
  const Axes kept = kept_axes(input_shape.rank());
  Shape shape;
  for (int a = 0; a < input_shape.rank(); ++a) shape.push_back(1);
  // The statistic's axes are the last of the kept ones.
  for (size_t i = 1; i <= statistic.shape().size(); ++i) {
    const auto axis = static_cast<size_t>(kept[kept.size() - i]);
    shape[axis] = statistic.dim(-static_cast<int>(i));
    const Dim extent = input_shape[axis];
    if (extent.known() && !(extent == shape[axis]) && !(shape[axis] == Dim(1))) {
      internal::fail<ValueError>(
          {name(), "The input must have the features of the statistics",
           fmt::format("input {}, mean {}", input_shape.to_string(), statistic.shape().to_string()), ""});
    }
  }
  return ops::cast(ops::reshape(statistic, shape), compute_dtype());
}

Tensor Normalization::call(const Tensor& inputs, const CallArgs&) {
  const bool given = !options_.mean.is_null();
  const Tensor x = ops::cast(inputs, compute_dtype());
  const Tensor center =
      broadcast_shaped(given ? nested_tensor(options_.mean, "mean") : mean.value(), x.shape());
  const Tensor spread =
      broadcast_shaped(given ? nested_tensor(options_.variance, "variance") : variance.value(), x.shape());
  const Tensor scale = ops::maximum(ops::sqrt(spread), ops::cast(Tensor(config::epsilon()), compute_dtype()));
  return options_.invert ? center + x * scale : (x - center) / scale;
}

// Keras writes the axes as a list, none as an empty one.
Json Normalization::get_config() const {
  Json config = ConfiguredLayer::get_config();
  Json::List axes;
  for (const int64_t a : options_.axis.values()) axes.emplace_back(a);
  config.set("axis", std::move(axes));
  return config;
}

void Normalization::check_data(const Tensor& data) {
  if (!options_.mean.is_null()) {
    internal::fail<ValueError>({name(), "adapt needs a layer whose statistics are open",
                                "mean and variance were given to the constructor", ""});
  }
  ensure_built({data.shape()});
  Shape shape;
  for (const int a : kept_axes(data.rank())) shape.push_back(data.dim(a));
  if (shape == mean.shape()) return;
  internal::fail<ValueError>(
      {name(), "The data must have the features that the layer was built for",
       fmt::format("data {}, axis {}, mean {}", data.shape().to_string(),
                   FieldCodec<ops::Axis>::to_json(options_.axis).dump(), mean.shape().to_string()),
       ""});
}

void Normalization::adapt(const Tensor& data) { adapt(std::vector<Tensor>{data}); }

void Normalization::adapt(const std::vector<Tensor>& batches) {
  internal::outdate_traces();
  if (batches.empty()) internal::fail<ValueError>({name(), "adapt needs data", "no batches", ""});
  Tensor total_mean, total_variance;
  double total_count = 0;
  for (const Tensor& batch : batches) {
    check_data(batch);
    const Tensor x = is_float(batch.dtype()) ? batch : ops::cast(batch, DType::float64);
    const Axes axes = reduced_axes(x.rank());
    const Tensor batch_mean = axes.empty() ? x : ops::mean(x, axes);
    const Tensor batch_variance = axes.empty() ? ops::zeros_like(x) : ops::var(x, axes);
    double elements = 1;
    for (const int a : axes) elements *= static_cast<double>(x.dim(a).value());
    if (elements == 0) internal::fail<ValueError>({name(), "adapt needs data", "an empty batch", ""});
    if (!total_mean.defined()) {
      total_mean = batch_mean;
      total_variance = batch_variance;
    } else {
      // The moments of the union of two samples.
      const double share = elements / (total_count + elements);
      const Tensor together = total_mean * (1 - share) + batch_mean * share;
      total_variance = (total_variance + ops::square(total_mean - together)) * (1 - share) +
                       (batch_variance + ops::square(batch_mean - together)) * share;
      total_mean = together;
    }
    total_count += elements;
  }
  mean.assign(total_mean);
  variance.assign(total_variance);
}

}  // namespace keras::layers
