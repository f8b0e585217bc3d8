// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::FBetaScore.
struct FBetaScoreOptions {
  std::optional<std::string> average = {};  ///< none: a value a class; "micro", "macro" or "weighted"
  double beta = 1.0;                        ///< weight of recall over precision
  std::optional<double> threshold = {};     ///< predictions above count as 1; none: the largest does
  std::string name = "fbeta_score";
  std::optional<DType> dtype = {};
};

/// Arguments of metrics::F1Score.
struct F1ScoreOptions {
  std::optional<std::string> average = {};  ///< none: a value a class; "micro", "macro" or "weighted"
  std::optional<double> threshold = {};     ///< predictions above count as 1; none: the largest does
  std::string name = "f1_score";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<FBetaScoreOptions> {
  using O = FBetaScoreOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(),
                 field<&O::average>("average", "None: a value a class; \"micro\", \"macro\" or \"weighted\""),
                 field<&O::beta>("beta", "Weight of recall over precision"),
                 field<&O::threshold>("threshold", "Predictions above count as 1; none: the largest does"));
};

template <>
struct FieldTable<F1ScoreOptions> {
  using O = F1ScoreOptions;
  static constexpr auto fields =
      field_list(metric_fields<O>(),
                 field<&O::average>("average", "None: a value a class; \"micro\", \"macro\" or \"weighted\""),
                 field<&O::threshold>("threshold", "Predictions above count as 1; none: the largest does"));
};

namespace metrics {

/// Weighted harmonic mean of precision and recall, of y_true and y_pred (batch, classes)
/// (keras.metrics.FBetaScore). Throws ValueError for an unknown average, a beta that is not positive, a
/// threshold outside (0, 1], or inputs that are not 2-D.
class FBetaScore : public Metric {
 public:
  static constexpr const char* kClassName = "FBetaScore";
  using Options = FBetaScoreOptions;
  explicit FBetaScore(FBetaScoreOptions options = {});
  std::string class_name() const override { return kClassName; }
  Json get_config() const override;
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }
  std::shared_ptr<Metric> clone() const override;

 protected:
  FBetaScoreOptions options_;

 private:
  Variable true_positives_, false_positives_, false_negatives_, weights_;
};

/// Harmonic mean of precision and recall (keras.metrics.F1Score).
class F1Score : public FBetaScore {
 public:
  static constexpr const char* kClassName = "F1Score";
  using Options = F1ScoreOptions;
  explicit F1Score(F1ScoreOptions options = {});
  std::string class_name() const override { return kClassName; }
  Json get_config() const override;
  std::shared_ptr<Metric> clone() const override;
};

}  // namespace metrics
}  // namespace keras
