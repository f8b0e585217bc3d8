// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/nn/metric.h"

namespace keras {

/// Arguments of metrics::R2Score.
struct R2ScoreOptions {
  std::optional<std::string> class_aggregation =
      "uniform_average";       ///< how outputs are joined: that, "variance_weighted_average" or none
  int64_t num_regressors = 0;  ///< regressors of the adjusted score; 0: not adjusted
  std::string name = "r2_score";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<R2ScoreOptions> {
  using O = R2ScoreOptions;
  static constexpr auto fields = field_list(
      metric_fields<O>(),
      field<&O::class_aggregation>("class_aggregation",
                                   "How outputs are joined: that, \"variance_weighted_average\" or none"),
      field<&O::num_regressors>("num_regressors", "Regressors of the adjusted score; 0: not adjusted"));
};

namespace metrics {

/// The coefficient of determination, of y_true and y_pred (batch, outputs) (keras.metrics.R2Score). Throws
/// ValueError for an unknown class_aggregation, a negative num_regressors, or inputs that are not 2-D.
class R2Score : public ConfiguredMetric<R2Score, R2ScoreOptions, Metric> {
 public:
  static constexpr const char* kClassName = "R2Score";
  explicit R2Score(R2ScoreOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Nest result() const override;
  int direction() const override { return 1; }

 private:
  Variable samples_;
  Variable squares_, sum_, residual_, count_;
};

}  // namespace metrics
}  // namespace keras
