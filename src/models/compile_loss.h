// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keras/models/training.h"

namespace keras::internal {

/// The losses of compile, resolved when the first batch shows how many outputs there are. Outputs may be any
/// nest: losses and their weights are one for all, or follow the outputs' structure, by position or name;
/// several losses of one output are summed.
class CompileLoss {
 public:
  CompileLoss(LossArg loss, LossWeightsArg weights, std::vector<std::string> output_names);
  /// The weighted sum over outputs; undefined when no output has a loss.
  Tensor operator()(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight);
  /// Trackers "<output>_loss", when there are several losses.
  std::vector<std::shared_ptr<Metric>> metrics() const;

 private:
  /// One step into a nest: a position, or a key.
  struct Step {
    std::optional<size_t> index;
    std::string key;
  };
  using Path = std::vector<Step>;
  struct Term {
    Path path;
    std::shared_ptr<Loss> loss;
    std::optional<double> weight;
    std::string name;
  };
  struct Tree;
  void build(const Nest& y_true, const Nest& y_pred);
  void build_nested(const Nest& y_true, const Nest& y_pred, const Tree& tree,
                    const std::vector<std::string>& names, const Path& path);
  void build_leaf(const Nest& y_true, const Nest& y_pred, const Tree& tree,
                  const std::vector<std::string>& names, const Path& path);
  Nest reconciled_labels(const Nest& y_true, const Nest& y_pred) const;
  Nest reconciled_weights(const Nest& weights, const Nest& y_pred) const;
  static const Nest& resolve(const Path& path, const Nest& nest);
  static std::string path_text(const Path& path);

  LossArg loss_;
  LossWeightsArg weights_;
  std::vector<std::string> output_names_;
  bool built_ = false;
  std::vector<Term> terms_;
  std::vector<std::shared_ptr<metrics::Mean>> trackers_;
};

}  // namespace keras::internal
