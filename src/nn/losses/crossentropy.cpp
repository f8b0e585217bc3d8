// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/losses/crossentropy.h"

#include <fmt/format.h>
#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/crossentropy.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"
#include "nn/extent.h"

namespace keras {

Json FieldCodec<ClassFactors>::to_json(const ClassFactors& value) {
  if (value.single) return value.values.at(0);
  return FieldCodec<std::vector<double>>::to_json(value.values);
}

ClassFactors FieldCodec<ClassFactors>::from_json(const Json& json, std::string_view where) {
  if (json.is_number()) return json.as_real(where);
  return FieldCodec<std::vector<double>>::from_json(json, where);
}

}  // namespace keras

namespace keras::losses {

KERAS_REGISTER_LOSS(BinaryCrossentropy, "binary_crossentropy", "bce", "BCE");
KERAS_REGISTER_LOSS(BinaryFocalCrossentropy, "binary_focal_crossentropy");
KERAS_REGISTER_LOSS(CategoricalCrossentropy, "categorical_crossentropy");
KERAS_REGISTER_LOSS(CategoricalFocalCrossentropy, "categorical_focal_crossentropy");
KERAS_REGISTER_LOSS(SparseCategoricalCrossentropy, "sparse_categorical_crossentropy");
KERAS_REGISTER_LOSS(CategoricalGeneralizedCrossEntropy);

namespace {

Tensor smoothed_binary(const Tensor& y_true, DType dtype, double smoothing) {
  const Tensor t = ops::cast(y_true, dtype);
  return smoothing == 0 ? t : t * (1.0 - smoothing) + 0.5 * smoothing;
}

Tensor smoothed_classes(const Tensor& y_true, const Tensor& y_pred, double smoothing, int axis) {
  const Tensor t = ops::cast(y_true, y_pred.dtype());
  if (smoothing == 0) return t;
  return t * (1.0 - smoothing) + smoothing / ops::cast(internal::extent(y_pred, axis), y_pred.dtype());
}

}  // namespace

Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                           double label_smoothing, int axis) {
  const Tensor t = smoothed_binary(y_true, y_pred.dtype(), label_smoothing);
  return ops::mean(ops::binary_crossentropy(t, y_pred, from_logits), axis);
}

Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool apply_class_balancing,
                                 double alpha, double gamma, bool from_logits, double label_smoothing,
                                 int axis) {
  const Tensor t = smoothed_binary(y_true, y_pred.dtype(), label_smoothing);
  const Tensor p = from_logits ? ops::sigmoid(y_pred) : y_pred;
  const Tensor p_true = t * p + (1 - t) * (1 - p);
  Tensor out = ops::power(1.0 - p_true, gamma) * ops::binary_crossentropy(t, p);
  if (apply_class_balancing) out = (t * alpha + (1 - t) * (1 - alpha)) * out;
  return ops::mean(out, axis);
}

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                double label_smoothing, int axis) {
  return ops::categorical_crossentropy(smoothed_classes(y_true, y_pred, label_smoothing, axis), y_pred,
                                       from_logits, axis);
}

Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, const ClassFactors& alpha,
                                      double gamma, bool from_logits, double label_smoothing, int axis) {
  const Tensor t = smoothed_classes(y_true, y_pred, label_smoothing, axis);
  const Tensor given = from_logits ? ops::softmax(y_pred, axis) : y_pred;
  const Tensor p = ops::clip(given / ops::sum(given, axis, true), config::epsilon(), 1.0 - config::epsilon());
  const Tensor factor =
      alpha.single ? Tensor(alpha.values.at(0)) : ops::cast(Tensor::from(alpha.values), p.dtype());
  return ops::sum(ops::power(1.0 - p, gamma) * factor * (-t * ops::log(p)), axis);
}

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                       std::optional<int64_t> ignore_class, int axis) {
  Tensor labels = y_true;
  if (labels.rank() == y_pred.rank() && labels.dim(axis) == Dim(1)) labels = ops::squeeze(labels, axis);
  if (!ignore_class) return ops::sparse_categorical_crossentropy(labels, y_pred, from_logits, axis);
  const Tensor valid = ops::not_equal(labels, ops::cast(Tensor(*ignore_class), labels.dtype()));
  const Tensor known = ops::where(valid, labels, ops::zeros_like(labels));
  const Tensor rows = ops::where(ops::expand_dims(valid, axis), y_pred, 0);
  const Tensor values = ops::sparse_categorical_crossentropy(known, rows, from_logits, axis);
  const Tensor out = ops::where(valid, values, 0.0);
  out.set_mask(valid);
  return out;
}

Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q) {
  const Dim classes = y_pred.dim(-1);
  if (!classes.known()) {
    internal::fail<ValueError>({"categorical_generalized_cross_entropy",
                                "The number of classes must be known", y_pred.shape().to_string(), ""});
  }
  const Tensor chosen = ops::one_hot(ops::cast(y_true, DType::int32), classes.value(), -1, y_pred.dtype());
  return (1 - ops::power(ops::sum(y_pred * chosen, -1), q)) / q;
}

Tensor BinaryCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return binary_crossentropy(y_true, y_pred, options_.from_logits, options_.label_smoothing, options_.axis);
}

Tensor BinaryFocalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return binary_focal_crossentropy(y_true, y_pred, options_.apply_class_balancing, options_.alpha,
                                   options_.gamma, options_.from_logits, options_.label_smoothing,
                                   options_.axis);
}

Tensor CategoricalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return categorical_crossentropy(y_true, y_pred, options_.from_logits, options_.label_smoothing,
                                  options_.axis);
}

Tensor CategoricalFocalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return categorical_focal_crossentropy(y_true, y_pred, options_.alpha, options_.gamma, options_.from_logits,
                                        options_.label_smoothing, options_.axis);
}

// Keras 3.15 leaves the axis out of the config and 3.16 writes it; both read both.
Json SparseCategoricalCrossentropy::get_config() const {
  Json config = ConfiguredLoss::get_config();
  if (options_.axis == -1) config.erase("axis");
  return config;
}

Tensor SparseCategoricalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return sparse_categorical_crossentropy(y_true, y_pred, options_.from_logits, options_.ignore_class,
                                         options_.axis);
}

CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(
    CategoricalGeneralizedCrossEntropyOptions options)
    : ConfiguredLoss(std::move(options)) {
  if (!(options_.q > 0 && options_.q < 1)) {
    internal::fail<ValueError>(
        {kClassName, "q must be between 0 and 1", fmt::format("q={}", options_.q), ""});
  }
}

Tensor CategoricalGeneralizedCrossEntropy::values(const Tensor& y_true, const Tensor& y_pred) const {
  return categorical_generalized_cross_entropy(y_true, y_pred, options_.q);
}

}  // namespace keras::losses
