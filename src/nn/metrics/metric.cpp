// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metric.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_context.h"
#include "keras/base/error.h"
#include "keras/nn/loss.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "nn/extent.h"

namespace keras {

Metric::Metric(MetricOptions options)
    : name_(std::move(options.name)), dtype_(options.dtype.value_or(floatx())) {}

const std::string& Metric::name() const {
  // The class is known only after construction, so the automatic name is made at the first question.
  if (name_.empty()) name_ = internal::auto_name(internal::to_snake_case(class_name()));
  return name_;
}

Variable Metric::add_variable(const Shape& shape, std::string name, std::optional<DType> dtype) {
  Variable v(ops::zeros(shape, dtype.value_or(dtype_)), std::move(name), false);
  variables_.push_back(v);
  return v;
}

void Metric::reset_state() {
  for (const auto& v : variables()) v.assign(ops::zeros(v.shape(), v.dtype()));
}

namespace internal {

std::pair<Tensor, Tensor> reduce_to_samplewise(const Tensor& given, Tensor weight, bool mean, DType dtype) {
  const auto reduce = [mean](const Tensor& t, int first) {
    Axes axes;
    for (int a = first; a < t.rank(); ++a) axes.push_back(a);
    return mean ? ops::mean(t, axes) : ops::sum(t, axes);
  };
  const Tensor mask = given.mask();
  Tensor values = ops::cast(given, dtype);
  if (weight.defined()) {
    weight = ops::cast(weight, dtype);
    if (mask.defined()) weight = apply_mask(weight, mask, dtype, Reduction::sum);
    std::tie(values, weight) = squeeze_or_expand_to_same_rank(values, weight);
    const int weight_rank = weight.rank();
    if (values.rank() > weight_rank) values = reduce(values, weight_rank);
    weight = ops::broadcast_to(weight, values.shape());
    values = values * weight;
    if (weight_rank > 1) weight = reduce(weight, 1);
  }
  if (values.rank() > 1) values = reduce(values, 1);
  return {values, weight};
}

}  // namespace internal

namespace {

class CallableMetric final : public metrics::MeanMetricWrapper {
 public:
  using MeanMetricWrapper::MeanMetricWrapper;
  Json get_config() const override {
    internal::fail<UnsupportedError>(
        {name(), "A metric made from a C++ callable cannot be saved", "", "use a metric by name"});
  }
};

}  // namespace

std::shared_ptr<Metric> Metric::from_name(const std::string& name) {
  return make_object<Metric>(kCategory, name, Json::dict(), "metrics");
}

std::shared_ptr<Metric> Metric::from_callable(std::function<Tensor(const Tensor&, const Tensor&)> f) {
  return std::make_shared<CallableMetric>(std::move(f));
}

namespace metrics {

KERAS_REGISTER_METRIC(Sum, "sum");
KERAS_REGISTER_METRIC(Mean, "mean");

Json Sum::get_config() const { return to_config(MetricOptions{name(), dtype()}); }
Json Mean::get_config() const { return to_config(MetricOptions{name(), dtype()}); }

Sum::Sum(MetricOptions options) : Metric(std::move(options)), total_(add_variable({}, "total")) {}

void Sum::update_state(const Tensor& values, const Tensor& sample_weight, const Tensor&) {
  const auto [reduced, weight] = internal::reduce_to_samplewise(values, sample_weight, false, dtype());
  total_.assign(total_.value() + ops::sum(reduced));
}

std::shared_ptr<Metric> Sum::clone() const { return std::make_shared<Sum>(MetricOptions{name(), dtype()}); }

Mean::Mean(MetricOptions options)
    : Metric(std::move(options)), total_(add_variable({}, "total")), count_(add_variable({}, "count")) {}

void Mean::accumulate(const Tensor& values, const Tensor& sample_weight) {
  const auto [reduced, weight] = internal::reduce_to_samplewise(values, sample_weight, true, dtype());
  total_.assign(total_.value() + ops::sum(reduced));
  Tensor count;
  if (weight.defined()) {
    count = ops::sum(weight);
  } else {
    count = reduced.rank() >= 1 ? ops::cast(internal::extent(reduced, 0), dtype()) : ops::ones({}, dtype());
  }
  count_.assign(count_.value() + ops::cast(count, dtype()));
}

void Mean::update_state(const Tensor& values, const Tensor& sample_weight, const Tensor&) {
  accumulate(values, sample_weight);
}

Nest Mean::result() const { return ops::divide_no_nan(total_.value(), ops::cast(count_.value(), dtype())); }

std::shared_ptr<Metric> Mean::clone() const { return std::make_shared<Mean>(MetricOptions{name(), dtype()}); }

MeanMetricWrapper::MeanMetricWrapper(Function f, MetricOptions options, int direction)
    : Mean(std::move(options)), function_(std::move(f)), direction_(direction) {}

void MeanMetricWrapper::update_state(const Tensor& y_true, const Tensor& y_pred,
                                     const Tensor& sample_weight) {
  internal::in_context(
      [&] {
        const Tensor mask = y_pred.mask();
        const Tensor values = function_(y_true, y_pred);
        accumulate(values, internal::apply_mask(sample_weight, mask, dtype(), Reduction::sum));
      },
      [&](std::string_view) {
        return fmt::format(
            "In metric '{}', of y_true {} and y_pred {}{}", name(), y_true.shape().to_string(),
            y_pred.shape().to_string(),
            sample_weight.defined() ? ", sample_weight " + sample_weight.shape().to_string() : "");
      });
}

std::shared_ptr<Metric> MeanMetricWrapper::clone() const {
  return std::make_shared<MeanMetricWrapper>(function_, MetricOptions{name(), dtype()}, direction_);
}

}  // namespace metrics
}  // namespace keras
