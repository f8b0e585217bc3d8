// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keras/models/training.h"

namespace keras::internal {

/// True when the labels look like classes given as integers rather than one-hot rows, and true first when
/// the prediction has a single column: how Keras chooses among the accuracies and crossentropies.
struct LabelKind {
  bool binary;
  bool sparse;
};
LabelKind label_kind(const Tensor& y_true, const Tensor& y_pred);

/// Leaves of outputs in the order of the model'"'"'s output names where the nest is a dictionary.
std::vector<Tensor> flatten_outputs(const Nest& nest, const std::vector<std::string>& names);

/// The losses of compile, resolved when the first batch shows how many outputs there are.
class CompileLoss {
 public:
  CompileLoss(LossArg loss, LossWeightsArg weights, std::vector<std::string> output_names);
  /// The weighted sum over outputs; undefined when no output has a loss.
  Tensor operator()(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight);
  /// Trackers "<output>_loss", with several outputs.
  std::vector<std::shared_ptr<Metric>> metrics() const;

 private:
  struct Term {
    size_t output;
    std::shared_ptr<Loss> loss;
    std::optional<double> weight;
    std::string name;
  };
  void build(const std::vector<Tensor>& y_true, const std::vector<Tensor>& y_pred, const Nest& predicted);
  void add_terms(const LossArg& loss, const LossWeightsArg& weights, size_t output, const Tensor& y_true,
                 const Tensor& y_pred);

  LossArg loss_;
  LossWeightsArg weights_;
  std::vector<std::string> output_names_;
  bool built_ = false;
  std::vector<Term> terms_;
  std::vector<std::shared_ptr<metrics::Mean>> trackers_;
};

}  // namespace keras::internal
