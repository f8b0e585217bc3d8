// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "keras/nn/metrics/confusion.h"

namespace keras::internal {

/// How predictions are compared with labels at thresholds.
struct ConfusionRule {
  std::vector<double> thresholds;
  std::optional<int64_t> top_k = {};
  std::optional<int64_t> class_id = {};
  bool multi_label = false;           ///< counts (thresholds, labels) instead of (thresholds)
  std::vector<double> label_weights;  ///< without multi_label; empty: none
};

/// Adds a batch to the counts that are defined.
void count_confusion(const ConfusionCounts& counts, const Tensor& y_true, const Tensor& y_pred,
                     const Tensor& sample_weight, const ConfusionRule& rule);

/// The thresholds, checked to be in [0, 1]; `otherwise` when none are given.
std::vector<double> checked_thresholds(const char* where, const Thresholds& given, double otherwise);

/// 0, 1 / (count - 1), ..., 1.
std::vector<double> even_thresholds(int64_t count);

/// What stands for "every one of the top k".
inline constexpr double kNegativeInfinity = -1e10;

}  // namespace keras::internal
