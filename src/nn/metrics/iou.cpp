// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/metrics/iou.h"

#include <fmt/format.h>

#include <numeric>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"

namespace keras::metrics {

KERAS_REGISTER_METRIC(IoU, "io_u");
KERAS_REGISTER_METRIC(MeanIoU, "mean_io_u");
KERAS_REGISTER_METRIC(OneHotIoU, "one_hot_io_u");
KERAS_REGISTER_METRIC(OneHotMeanIoU, "one_hot_mean_io_u");
KERAS_REGISTER_METRIC(BinaryIoU, "binary_io_u");

namespace {

std::vector<int64_t> every_class(int64_t count) {
  std::vector<int64_t> out(static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::iota(out.begin(), out.end(), int64_t{0});
  return out;
}

Tensor flattened(const Tensor& x) { return x.rank() > 1 ? ops::reshape(x, {-1}) : x; }

}  // namespace

ConfusionMatrixIoU::ConfusionMatrixIoU(IoUOptions options)
    : Metric({options.name, options.dtype.value_or(DType::int64)}), all_(std::move(options)) {
  if (all_.num_classes < 1) {
    internal::fail<ValueError>(
        {"IoU", "num_classes must be positive", fmt::format("{}", all_.num_classes), ""});
  }
  for (const int64_t id : all_.target_class_ids) {
    if (id < 0 || id >= all_.num_classes) {
      internal::fail<ValueError>({"IoU", fmt::format("Target classes must be in [0, {})", all_.num_classes),
                                  fmt::format("{}", id), ""});
    }
  }
  counts_ = add_variable({all_.num_classes, all_.num_classes}, "total_confusion_matrix");
}

void ConfusionMatrixIoU::update_state(const Tensor& y_true, const Tensor& y_pred,
                                      const Tensor& sample_weight) {
  const auto classes = [this](const Tensor& given, bool sparse) {
    return flattened(ops::cast(sparse ? given : ops::argmax(given, all_.axis), DType::int64));
  };
  const Tensor labels = classes(y_true, all_.sparse_y_true);
  const Tensor predictions = classes(y_pred, all_.sparse_y_pred);
  Tensor weight = ops::ones_like(labels, dtype());
  if (sample_weight.defined()) weight = weight * flattened(ops::cast(sample_weight, dtype()));
  const auto inside = [this](const Tensor& x) { return ops::logical_and(x >= 0, x < all_.num_classes); };
  Tensor counted = ops::logical_and(inside(labels), inside(predictions));
  if (all_.ignore_class) counted = ops::logical_and(counted, ops::not_equal(labels, *all_.ignore_class));
  weight = ops::where(counted, weight, ops::zeros_like(weight));
  const Tensor none = ops::zeros_like(labels);
  const Tensor places =
      ops::stack({ops::where(counted, labels, none), ops::where(counted, predictions, none)}, 1);
  counts_.assign_add(ops::scatter(places, weight, {all_.num_classes, all_.num_classes}));
}

Nest ConfusionMatrixIoU::result() const {
  const Tensor counts = counts_.value();
  const Tensor common = ops::diag(counts);
  const Tensor either = ops::sum(counts, 0) + ops::sum(counts, 1) - common;
  const Tensor ids = Tensor::from(all_.target_class_ids);
  const auto chosen = [&](const Tensor& x) { return ops::cast(ops::take(x, ids, 0), DType::float32); };
  const Tensor size = chosen(either);
  const Tensor valid = size > 1e-9;
  const Tensor iou = ops::where(valid, chosen(common) / (size + config::epsilon()), 0.0);
  return ops::sum(iou) / (ops::sum(ops::cast(valid, DType::float32)) + config::epsilon());
}

IoU::IoU(IoUOptions o) : ConfiguredMetric(o, o) {}

MeanIoU::MeanIoU(MeanIoUOptions o)
    : ConfiguredMetric(o, IoUOptions{.num_classes = o.num_classes,
                                     .target_class_ids = every_class(o.num_classes),
                                     .name = o.name,
                                     .dtype = o.dtype,
                                     .ignore_class = o.ignore_class,
                                     .sparse_y_true = o.sparse_y_true,
                                     .sparse_y_pred = o.sparse_y_pred,
                                     .axis = o.axis}) {}

OneHotIoU::OneHotIoU(OneHotIoUOptions o)
    : ConfiguredMetric(o, IoUOptions{.num_classes = o.num_classes,
                                     .target_class_ids = o.target_class_ids,
                                     .name = o.name,
                                     .dtype = o.dtype,
                                     .ignore_class = o.ignore_class,
                                     .sparse_y_true = false,
                                     .sparse_y_pred = o.sparse_y_pred,
                                     .axis = o.axis}) {}

OneHotMeanIoU::OneHotMeanIoU(OneHotMeanIoUOptions o)
    : ConfiguredMetric(o, IoUOptions{.num_classes = o.num_classes,
                                     .target_class_ids = every_class(o.num_classes),
                                     .name = o.name,
                                     .dtype = o.dtype,
                                     .ignore_class = o.ignore_class,
                                     .sparse_y_true = false,
                                     .sparse_y_pred = o.sparse_y_pred,
                                     .axis = o.axis}) {}

BinaryIoU::BinaryIoU(BinaryIoUOptions o)
    : ConfiguredMetric(
          o,
          IoUOptions{
              .num_classes = 2, .target_class_ids = o.target_class_ids, .name = o.name, .dtype = o.dtype}) {}

void BinaryIoU::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const Tensor positive = ops::cast(y_pred, DType::float32) >= options_.threshold;
  ConfusionMatrixIoU::update_state(y_true, ops::cast(positive, dtype()), sample_weight);
}

}  // namespace keras::metrics
