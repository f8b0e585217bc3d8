// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keras/models/training.h"

namespace keras::internal {

/// The metrics and weighted metrics of compile, resolved when the first batch arrives.
class CompileMetrics {
 public:
  CompileMetrics(MetricsArg metrics, MetricsArg weighted, std::vector<std::string> output_names);
  void update_state(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight);
  /// Names as Keras makes them: "<output>_" in front with several outputs, "_1" for duplicates, "weighted_"
  /// only on a clash.
  std::vector<std::pair<std::string, Tensor>> result() const;
  std::vector<std::shared_ptr<Metric>> metrics() const;
  void reset_state();

 private:
  struct Group {
    std::string output_name;  ///< "" with a single output
    std::vector<std::shared_ptr<Metric>> list;
  };
  std::vector<Group> resolve(const MetricsArg& arg, const std::vector<Tensor>& y_true,
                             const std::vector<Tensor>& y_pred) const;

  MetricsArg metrics_;
  MetricsArg weighted_;
  std::vector<std::string> output_names_;
  bool built_ = false;
  std::vector<Group> plain_groups_;
  std::vector<Group> weighted_groups_;
};

}  // namespace keras::internal
