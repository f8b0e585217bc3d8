// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/loss.h"

namespace keras {

/// Arguments of losses::Huber.
struct HuberOptions {
  double delta = 1.0;  ///< error beyond which the loss is linear
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "huber_loss";
  std::optional<DType> dtype = {};
};

/// Arguments of losses::CosineSimilarity.
struct CosineSimilarityOptions {
  int axis = -1;  ///< axis of the vectors
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "cosine_similarity";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<HuberOptions> {
  using O = HuberOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::delta>("delta", "Error beyond which the loss is linear"));
};

template <>
struct FieldTable<CosineSimilarityOptions> {
  using O = CosineSimilarityOptions;
  static constexpr auto fields = field_list(loss_fields<O>(), field<&O::axis>("axis", "Axis of the vectors"));
};

namespace losses {

/// The mean of (y_true - y_pred)^2 over the last axis (keras.losses.mean_squared_error).
Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred);
/// The mean of |y_true - y_pred| over the last axis (keras.losses.mean_absolute_error).
Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred);
/// 100 times the mean of |y_true - y_pred| / |y_true| over the last axis
/// (keras.losses.mean_absolute_percentage_error).
Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred);
/// The mean of (log(1 + y_true) - log(1 + y_pred))^2 over the last axis; negative values count as 0
/// (keras.losses.mean_squared_logarithmic_error).
Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred);
/// The mean of log(cosh(y_pred - y_true)) over the last axis (keras.losses.log_cosh).
Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred);
/// The mean over the last axis of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, e being the error
/// (keras.losses.huber).
Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta = 1.0);
/// -sum(y_true y_pred) over an axis of vectors scaled to length 1: -1 for equal directions
/// (keras.losses.cosine_similarity).
Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis = -1);

/// mean_squared_error, reduced (keras.losses.MeanSquaredError).
class MeanSquaredError : public PlainLoss<MeanSquaredError> {
 public:
  static constexpr const char* kClassName = "MeanSquaredError";
  static constexpr const char* kName = "mean_squared_error";
  explicit MeanSquaredError(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return mean_squared_error(y_true, y_pred);
  }
};

/// mean_absolute_error, reduced (keras.losses.MeanAbsoluteError).
class MeanAbsoluteError : public PlainLoss<MeanAbsoluteError> {
 public:
  static constexpr const char* kClassName = "MeanAbsoluteError";
  static constexpr const char* kName = "mean_absolute_error";
  explicit MeanAbsoluteError(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return mean_absolute_error(y_true, y_pred);
  }
};

/// mean_absolute_percentage_error, reduced (keras.losses.MeanAbsolutePercentageError).
class MeanAbsolutePercentageError : public PlainLoss<MeanAbsolutePercentageError> {
 public:
  static constexpr const char* kClassName = "MeanAbsolutePercentageError";
  static constexpr const char* kName = "mean_absolute_percentage_error";
  explicit MeanAbsolutePercentageError(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return mean_absolute_percentage_error(y_true, y_pred);
  }
};

/// mean_squared_logarithmic_error, reduced (keras.losses.MeanSquaredLogarithmicError).
class MeanSquaredLogarithmicError : public PlainLoss<MeanSquaredLogarithmicError> {
 public:
  static constexpr const char* kClassName = "MeanSquaredLogarithmicError";
  static constexpr const char* kName = "mean_squared_logarithmic_error";
  explicit MeanSquaredLogarithmicError(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return mean_squared_logarithmic_error(y_true, y_pred);
  }
};

/// log_cosh, reduced (keras.losses.LogCosh).
class LogCosh : public PlainLoss<LogCosh> {
 public:
  static constexpr const char* kClassName = "LogCosh";
  static constexpr const char* kName = "log_cosh";
  explicit LogCosh(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return log_cosh(y_true, y_pred);
  }
};

/// huber, reduced (keras.losses.Huber).
class Huber : public ConfiguredLoss<Huber, HuberOptions> {
 public:
  static constexpr const char* kClassName = "Huber";
  explicit Huber(HuberOptions options = {}) : ConfiguredLoss(std::move(options)) {}
  Json get_config() const override;

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// cosine_similarity, reduced (keras.losses.CosineSimilarity).
class CosineSimilarity : public ConfiguredLoss<CosineSimilarity, CosineSimilarityOptions> {
 public:
  static constexpr const char* kClassName = "CosineSimilarity";
  explicit CosineSimilarity(CosineSimilarityOptions options = {}) : ConfiguredLoss(std::move(options)) {}
  Json get_config() const override;

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

}  // namespace losses
}  // namespace keras
