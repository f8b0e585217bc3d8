// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/top_k.h"

#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(TopKCategoricalAccuracy, "top_k_categorical_accuracy");
KERAS_REGISTER_METRIC(SparseTopKCategoricalAccuracy, "sparse_top_k_categorical_accuracy");

namespace {

// One row of predictions a label, and the hits back in the labels' shape.
Tensor hits(const Tensor& labels, const Tensor& y_pred, int64_t k, bool sorted_ids) {
  const Tensor rows = y_pred.rank() > 2 ? ops::reshape(y_pred, {-1, y_pred.dim(-1)}) : y_pred;
  const Tensor flat = labels.rank() > 1 ? ops::reshape(labels, {-1}) : labels;
  Tensor found;
  if (sorted_ids) {
    const Tensor first = rows[{Slice{}, Slice({}, k)}];
    found = ops::any(ops::equal(ops::expand_dims(ops::cast(flat, rows.dtype()), 1), first), 1);
  } else {
    found = ops::in_top_k(ops::cast(flat, DType::int32), rows, k);
  }
  found = ops::cast(found, floatx());
  return labels.rank() > 1 ? ops::reshape(found, labels.shape()) : found;
}

}  // namespace

TopKCategoricalAccuracy::TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions o)
    : ConfiguredMetric(
          o, [k = o.k](const Tensor& t, const Tensor& p) { return hits(ops::argmax(t, -1), p, k, false); },
          MetricOptions{o.name, o.dtype}, 1) {}

SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(SparseTopKCategoricalAccuracyOptions o)
    : ConfiguredMetric(
          o,
          [k = o.k, sorted = o.from_sorted_ids](const Tensor& t, const Tensor& p) {
            return hits(t, p, k, sorted);
          },
          MetricOptions{o.name, o.dtype}, 1) {}

Json SparseTopKCategoricalAccuracy::get_config() const {
  Json config = ConfiguredMetric::get_config();
  if (!options_.from_sorted_ids) config.erase("from_sorted_ids");
  return config;
}

}  // namespace keras::metrics
