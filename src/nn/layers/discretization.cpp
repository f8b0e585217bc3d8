// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/discretization.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/sorting.h"
#include "nn/categorical_encoding.h"
#include "runtime/trace.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Discretization);

namespace {

/// A sketch of a sorted sample: values, and how many elements each stands for.
struct Sketch {
  std::vector<double> values, weights;
};

// Linear interpolation of (x, y) at `at`, constant outside.
double interpolated(double at, const std::vector<double>& x, const std::vector<double>& y) {
  if (at <= x.front()) return y.front();
  if (at >= x.back()) return y.back();
  const auto above = static_cast<size_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin());
  const double share = (at - x[above - 1]) / (x[above] - x[above - 1]);
  return y[above - 1] + share * (y[above] - y[above - 1]);
}

double as_float32(double value) { return static_cast<double>(static_cast<float>(value)); }

// At most about 1 / epsilon values, at equal distances in the cumulated weight.
Sketch compressed(const Sketch& sketch, double epsilon) {
  if (static_cast<double>(sketch.values.size()) * epsilon < 1) return sketch;
  std::vector<double> cumulated, shares;
  double sum = 0;
  for (const double w : sketch.weights) cumulated.push_back(sum += w);
  for (const double c : cumulated) shares.push_back(c / sum);
  Sketch out;
  double before = 0;
  const auto steps = static_cast<int64_t>(std::ceil(1.0 / epsilon));
  for (int64_t i = 0; i < steps; ++i) {
    const double percent = epsilon + static_cast<double>(i) * epsilon;
    out.values.push_back(as_float32(interpolated(percent, shares, sketch.values)));
    const double weight = interpolated(percent, shares, cumulated);
    out.weights.push_back(as_float32(weight - before));
    before = weight;
  }
  return out;
}

Sketch sketched(std::vector<double> values, double epsilon) {
  std::sort(values.begin(), values.end());
  const double step = std::max(static_cast<double>(values.size()) * epsilon, 1.0);
  Sketch out;
  for (auto i = static_cast<size_t>(step - 1); i < values.size(); i += static_cast<size_t>(step)) {
    out.values.push_back(values[i]);
    out.weights.push_back(as_float32(step));
  }
  return out;
}

Sketch merged(const Sketch& a, const Sketch& b, double epsilon) {
  std::vector<std::pair<double, double>> rows;
  for (const Sketch* s : {&a, &b}) {
    for (size_t i = 0; i < s->values.size(); ++i) rows.emplace_back(s->values[i], s->weights[i]);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  Sketch out;
  for (const auto& [value, weight] : rows) {
    out.values.push_back(value);
    out.weights.push_back(weight);
  }
  return compressed(out, epsilon);
}

}  // namespace

Discretization::Discretization(DiscretizationOptions options)
    : ConfiguredLayer(std::move(options)),
      bin_boundaries_(std::make_shared<std::optional<std::vector<double>>>(options_.bin_boundaries)) {
  const auto& o = options_;
  if (!o.bin_boundaries && !o.num_bins) {
    internal::fail<ValueError>({kClassName, "bin_boundaries or num_bins must be given", "neither", ""});
  }
  if (o.num_bins && *o.num_bins < 1) {
    internal::fail<ValueError>(
        {kClassName, "num_bins must be positive", fmt::format("num_bins={}", *o.num_bins), ""});
  }
  if (!(o.epsilon > 0 && o.epsilon <= 1)) {
    internal::fail<ValueError>(
        {kClassName, "epsilon must be in (0, 1]", fmt::format("epsilon={}", o.epsilon), ""});
  }
  if (o.bin_boundaries && !std::is_sorted(o.bin_boundaries->begin(), o.bin_boundaries->end())) {
    internal::fail<ValueError>({kClassName, "bin_boundaries must ascend",
                                FieldCodec<std::vector<double>>::to_json(*o.bin_boundaries).dump(), ""});
  }
  options_.output_mode = internal::standardize_output_mode(kClassName, o.output_mode, true);
}

Tensor Discretization::call(const Tensor& inputs, const CallArgs&) {
  if (!*bin_boundaries_) {
    internal::fail<ValueError>({name(), "The layer has no bins yet", "num_bins, but no data",
                                "call adapt(data), or give bin_boundaries"});
  }
  const Tensor bins = ops::digitize(inputs, **bin_boundaries_);
  const bool index = options_.output_mode == "int";
  return internal::encode_categorical(bins, options_.output_mode,
                                      static_cast<int64_t>((*bin_boundaries_)->size()) + 1,
                                      index ? DType::int32 : compute_dtype());
}

// Keras writes the dtype as a plain name and leaves `trainable` out.
Json Discretization::get_config() const {
  Json config = ConfiguredLayer::get_config();
  config.set("bin_boundaries", FieldCodec<std::optional<std::vector<double>>>::to_json(*bin_boundaries_));
  config.set("dtype", dtype_policy().name());
  return config;
}

void Discretization::adapt(const Tensor& data) { adapt(std::vector<Tensor>{data}); }

void Discretization::adapt(const std::vector<Tensor>& batches) {
  internal::outdate_traces();
  if (!options_.num_bins) {
    internal::fail<ValueError>(
        {name(), "adapt needs a layer with num_bins", "bin_boundaries were given", ""});
  }
  Sketch total;
  for (const Tensor& batch : batches) {
    std::vector<double> values;
    for (const double v : batch.to_vector<double>()) values.push_back(as_float32(v));
    total = merged(sketched(std::move(values), options_.epsilon), total, options_.epsilon);
  }
  if (total.values.empty()) internal::fail<ValueError>({name(), "adapt needs data", "no values", ""});
  auto edges = compressed(total, 1.0 / static_cast<double>(*options_.num_bins)).values;
  edges.pop_back();
  *bin_boundaries_ = std::move(edges);
}

}  // namespace keras::layers
