// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keras/models/training.h"

namespace keras::internal {

/// The metrics and weighted metrics of compile, resolved when the first batch arrives: for one output all of
/// them; for several a list with one entry an output, by output name, or in the structure of the outputs.
class CompileMetrics {
 public:
  CompileMetrics(MetricsArg metrics, MetricsArg weighted, std::vector<std::string> output_names);
  void update_state(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight);
  /// Names as Keras makes them: "<output>_" in front with several outputs, "_1" for duplicates, "weighted_"
  /// only on a clash. A metric that gives a dictionary adds its entries.
  Logs result() const;
  std::vector<std::shared_ptr<Metric>> metrics() const;

 private:
  struct Group {
    std::string output_name;  ///< "" with a single output
    std::vector<std::shared_ptr<Metric>> list;
  };
  void build(const Nest& y_true, const Nest& y_pred);
  std::vector<Group> resolve(const MetricsArg& arg, const Nest& y_true, const Nest& y_pred, bool flat,
                             const char* argument) const;
  std::vector<Nest> flatten(const Nest& nest) const;

  MetricsArg metrics_;
  MetricsArg weighted_;
  std::vector<std::string> output_names_;
  std::vector<std::string> flattening_names_;  ///< the order of dictionaries, "" for sorted keys
  bool built_ = false;
  std::vector<Group> plain_groups_;
  std::vector<Group> weighted_groups_;
};

}  // namespace keras::internal
