// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/accuracy.h"

#include "keras/nn/loss.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(Accuracy);
KERAS_REGISTER_METRIC(BinaryAccuracy, "binary_accuracy");
KERAS_REGISTER_METRIC(CategoricalAccuracy, "categorical_accuracy");
KERAS_REGISTER_METRIC(SparseCategoricalAccuracy, "sparse_categorical_accuracy");

namespace {

Tensor equal_as_float(const Tensor& a, const Tensor& b) { return ops::cast(ops::equal(a, b), floatx()); }

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const auto [t, p] = internal::squeeze_or_expand_to_same_rank(ops::cast(y_true, y_pred.dtype()), y_pred);
  return equal_as_float(t, p);
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  const auto [t, p] = internal::squeeze_or_expand_to_same_rank(y_true, y_pred);
  return equal_as_float(ops::cast(t, p.dtype()), ops::cast(p > threshold, p.dtype()));
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  return equal_as_float(ops::argmax(y_true, -1), ops::argmax(y_pred, -1));
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  Tensor labels = y_true;
  if (labels.rank() == y_pred.rank() && labels.rank() > 0 && labels.dim(-1) == Dim(1))
    labels = ops::squeeze(labels, -1);
  const Tensor hits = equal_as_float(labels, ops::cast(ops::argmax(y_pred, -1), labels.dtype()));
  return hits.rank() > 1 && hits.dim(-1) == Dim(1) ? ops::squeeze(hits, -1) : hits;
}

}  // namespace

Accuracy::Accuracy(MetricOptions options)
    : NamedMeanMetric(accuracy, internal::with_name(std::move(options), "accuracy"), 1) {}

BinaryAccuracy::BinaryAccuracy(BinaryAccuracyOptions options)
    : MeanMetricWrapper(
          [t = options.threshold](const Tensor& a, const Tensor& b) { return binary_accuracy(a, b, t); },
          {options.name, options.dtype}, 1),
      options_(std::move(options)) {}

Json BinaryAccuracy::get_config() const {
  BinaryAccuracyOptions current = options_;
  current.name = name();
  current.dtype = dtype();
  return to_config(current);
}

CategoricalAccuracy::CategoricalAccuracy(MetricOptions options)
    : NamedMeanMetric(categorical_accuracy, internal::with_name(std::move(options), "categorical_accuracy"),
                      1) {}

SparseCategoricalAccuracy::SparseCategoricalAccuracy(MetricOptions options)
    : NamedMeanMetric(sparse_categorical_accuracy,
                      internal::with_name(std::move(options), "sparse_categorical_accuracy"), 1) {}

}  // namespace keras::metrics
