// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::IoU.
struct IoUOptions {
  int64_t num_classes = 0;                     ///< number of classes
  std::vector<int64_t> target_class_ids = {};  ///< classes whose mean is the result
  std::string name = {};
  std::optional<DType> dtype = {};           ///< none: int64
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing
  bool sparse_y_true = true;                 ///< labels are integers, not one-hot
  bool sparse_y_pred = true;                 ///< predictions are integers, not scores
  int axis = -1;                             ///< axis of the classes
};

/// Arguments of metrics::MeanIoU.
struct MeanIoUOptions {
  int64_t num_classes = 0;  ///< number of classes
  std::string name = {};
  std::optional<DType> dtype = {};           ///< none: int64
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing
  bool sparse_y_true = true;                 ///< labels are integers, not one-hot
  bool sparse_y_pred = true;                 ///< predictions are integers, not scores
  int axis = -1;                             ///< axis of the classes
};

/// Arguments of metrics::OneHotIoU.
struct OneHotIoUOptions {
  int64_t num_classes = 0;                     ///< number of classes
  std::vector<int64_t> target_class_ids = {};  ///< classes whose mean is the result
  std::string name = {};
  std::optional<DType> dtype = {};           ///< none: int64
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing
  bool sparse_y_pred = false;                ///< predictions are integers, not scores
  int axis = -1;                             ///< axis of the classes
};

/// Arguments of metrics::OneHotMeanIoU.
struct OneHotMeanIoUOptions {
  int64_t num_classes = 0;  ///< number of classes
  std::string name = {};
  std::optional<DType> dtype = {};           ///< none: int64
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing
  bool sparse_y_pred = false;                ///< predictions are integers, not scores
  int axis = -1;                             ///< axis of the classes
};

/// Arguments of metrics::BinaryIoU.
struct BinaryIoUOptions {
  std::vector<int64_t> target_class_ids = {0, 1};  ///< classes whose mean is the result
  double threshold = 0.5;                          ///< predictions from here on count as 1
  std::string name = {};
  std::optional<DType> dtype = {};  ///< none: int64
};

template <>
struct FieldTable<IoUOptions> {
  using O = IoUOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::num_classes>("num_classes", "Number of classes"),
                 field<&O::target_class_ids>("target_class_ids", "Classes whose mean is the result"),
                 field<&O::ignore_class>("ignore_class", "Labels that count nothing"),
                 field<&O::sparse_y_true>("sparse_y_true", "Labels are integers, not one-hot"),
                 field<&O::sparse_y_pred>("sparse_y_pred", "Predictions are integers, not scores"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

template <>
struct FieldTable<MeanIoUOptions> {
  using O = MeanIoUOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::num_classes>("num_classes", "Number of classes"),
                 field<&O::ignore_class>("ignore_class", "Labels that count nothing"),
                 field<&O::sparse_y_true>("sparse_y_true", "Labels are integers, not one-hot"),
                 field<&O::sparse_y_pred>("sparse_y_pred", "Predictions are integers, not scores"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

template <>
struct FieldTable<OneHotIoUOptions> {
  using O = OneHotIoUOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::num_classes>("num_classes", "Number of classes"),
                 field<&O::target_class_ids>("target_class_ids", "Classes whose mean is the result"),
                 field<&O::ignore_class>("ignore_class", "Labels that count nothing"),
                 field<&O::sparse_y_pred>("sparse_y_pred", "Predictions are integers, not scores"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

template <>
struct FieldTable<OneHotMeanIoUOptions> {
  using O = OneHotMeanIoUOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(), field<&O::num_classes>("num_classes", "Number of classes"),
                 field<&O::ignore_class>("ignore_class", "Labels that count nothing"),
                 field<&O::sparse_y_pred>("sparse_y_pred", "Predictions are integers, not scores"),
                 field<&O::axis>("axis", "Axis of the classes"));
};

template <>
struct FieldTable<BinaryIoUOptions> {
  using O = BinaryIoUOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(), field<&O::target_class_ids>("target_class_ids", "Classes whose mean is the result"),
      field<&O::threshold>("threshold", "Predictions from here on count as 1"));
};

namespace metrics {

/// The base of the metrics of overlap: counts labels against predictions in a confusion matrix, and averages
/// intersection over union of the target classes. Throws ValueError for a class outside.
class ConfusionMatrixIoU : public Metric {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }

 protected:
  explicit ConfusionMatrixIoU(IoUOptions options);

 private:
  IoUOptions all_;
  Variable counts_;
};

/// Mean intersection over union of some classes (keras.metrics.IoU).
class IoU : public ConfiguredMetric<IoU, IoUOptions, ConfusionMatrixIoU> {
 public:
  static constexpr const char* kClassName = "IoU";
  explicit IoU(IoUOptions options);
};

/// Mean intersection over union of all classes (keras.metrics.MeanIoU).
class MeanIoU : public ConfiguredMetric<MeanIoU, MeanIoUOptions, ConfusionMatrixIoU> {
 public:
  static constexpr const char* kClassName = "MeanIoU";
  explicit MeanIoU(MeanIoUOptions options);
};

/// IoU of one-hot labels (keras.metrics.OneHotIoU).
class OneHotIoU : public ConfiguredMetric<OneHotIoU, OneHotIoUOptions, ConfusionMatrixIoU> {
 public:
  static constexpr const char* kClassName = "OneHotIoU";
  explicit OneHotIoU(OneHotIoUOptions options);
};

/// MeanIoU of one-hot labels (keras.metrics.OneHotMeanIoU).
class OneHotMeanIoU : public ConfiguredMetric<OneHotMeanIoU, OneHotMeanIoUOptions, ConfusionMatrixIoU> {
 public:
  static constexpr const char* kClassName = "OneHotMeanIoU";
  explicit OneHotMeanIoU(OneHotMeanIoUOptions options);
};

/// IoU of two classes, predictions being split at a threshold (keras.metrics.BinaryIoU).
class BinaryIoU : public ConfiguredMetric<BinaryIoU, BinaryIoUOptions, ConfusionMatrixIoU> {
 public:
  static constexpr const char* kClassName = "BinaryIoU";
  explicit BinaryIoU(BinaryIoUOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
};

}  // namespace metrics
}  // namespace keras
