// SPDX-License-Identifier: Apache-2.0
#include "models/compile_loss.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/extent.h"

namespace keras::internal {

LabelKind label_kind(const Tensor& y_true, const Tensor& y_pred) {
  if (y_pred.rank() == 0) return {true, false};
  const bool wide = !(y_pred.dim(-1) == Dim(1));
  const bool lower = y_true.rank() < y_pred.rank();
  const bool single_column = y_true.rank() > 0 && y_true.dim(-1) == Dim(1);
  return {!wide, lower || (single_column && wide)};
}

std::vector<Tensor> flatten_outputs(const Nest& nest, const std::vector<std::string>& names) {
  if (nest.is_dict() && names.size() == nest.size()) {
    bool all = true;
    for (const auto& n : names) all = all && nest.contains(n);
    if (all) {
      std::vector<Tensor> out;
      for (const auto& n : names) out.push_back(nest[n].tensor());
      return out;
    }
  }
  if (nest.is_list()) {
    // None keeps its place: an output without labels has no loss.
    std::vector<Tensor> out;
    for (const auto& item : nest.list()) {
      if (item.is_none()) {
        out.emplace_back();
      } else {
        for (auto& leaf : item.flatten()) out.push_back(leaf);
      }
    }
    return out;
  }
  return nest.flatten();
}

CompileLoss::CompileLoss(LossArg loss, LossWeightsArg weights, std::vector<std::string> output_names)
    : loss_(std::move(loss)), weights_(std::move(weights)), output_names_(std::move(output_names)) {}

namespace {

std::shared_ptr<Loss> resolve(const LossSpec& spec, const Tensor& y_true, const Tensor& y_pred) {
  if (spec.loss()) return spec.loss().shared();
  std::string name = spec.name();
  if (name == "crossentropy" || name == "ce") {
    const auto kind = label_kind(y_true, y_pred);
    name = kind.binary   ? "binary_crossentropy"
           : kind.sparse ? "sparse_categorical_crossentropy"
                         : "categorical_crossentropy";
  }
  return Loss::from_name(name);
}

std::string keys_of(const LossArg& loss) {
  std::string out;
  for (const auto& [key, value] : loss.items()) out += (out.empty() ? "" : ", ") + key;
  return out;
}

}  // namespace

void CompileLoss::add_terms(const LossArg& loss, const LossWeightsArg& weights, size_t output,
                            const Tensor& y_true, const Tensor& y_pred) {
  if (loss.none()) return;
  if (loss.kind() == LossArg::Kind::list) {
    // Several losses for one output are summed.
    for (size_t i = 0; i < loss.list().size(); ++i) {
      const bool listed = weights.kind() == LossWeightsArg::Kind::list && i < weights.list().size();
      add_terms(loss.list()[i], listed ? weights.list()[i] : weights, output, y_true, y_pred);
    }
    return;
  }
  if (loss.kind() == LossArg::Kind::dict) {
    fail<ValueError>({"compile", "A loss given by name must name an output of the model", keys_of(loss),
                      fmt::format("outputs: {}", fmt::join(output_names_, ", "))});
  }
  Term term;
  term.output = output;
  term.loss = resolve(loss.leaf(), y_true, y_pred);
  if (weights.kind() == LossWeightsArg::Kind::leaf) term.weight = weights.leaf();
  term.name = output < output_names_.size() ? output_names_[output] : term.loss->name();
  terms_.push_back(std::move(term));
}

void CompileLoss::build(const std::vector<Tensor>& y_true, const std::vector<Tensor>& y_pred,
                        const Nest& predicted) {
  const size_t count = y_pred.size();
  if (predicted.is_dict()) {
    bool match = output_names_.size() == predicted.size();
    for (const auto& n : output_names_) match = match && predicted.contains(n);
    if (!match) {
      output_names_.clear();
      for (const auto& [key, value] : predicted.items()) output_names_.push_back(key);
      std::sort(output_names_.begin(), output_names_.end());
    }
  }
  static const LossWeightsArg no_weights;
  const auto weights_at = [&](size_t i) -> const LossWeightsArg& {
    if (weights_.kind() == LossWeightsArg::Kind::list && count > 1) {
      if (weights_.list().size() != count) {
        fail<ValueError>({"compile", "loss_weights must have one entry per output",
                          fmt::format("{} entries for {} outputs", weights_.list().size(), count), ""});
      }
      return weights_.list()[i];
    }
    if (weights_.kind() == LossWeightsArg::Kind::dict) {
      const auto* found = i < output_names_.size() ? weights_.find(output_names_[i]) : nullptr;
      return found != nullptr ? *found : no_weights;
    }
    return weights_;
  };
  if (loss_.kind() == LossArg::Kind::dict) {
    for (const auto& [key, value] : loss_.items()) {
      if (std::find(output_names_.begin(), output_names_.end(), key) == output_names_.end()) {
        fail<ValueError>({"compile", "A loss given by name must name an output of the model", keys_of(loss_),
                          fmt::format("outputs: {}", fmt::join(output_names_, ", "))});
      }
    }
  } else if (loss_.kind() == LossArg::Kind::list && count > 1 && loss_.list().size() != count) {
    fail<ValueError>({"compile", "A list of losses must have one entry per output",
                      fmt::format("{} losses for {} outputs", loss_.list().size(), count), ""});
  }
  for (size_t i = 0; i < count; ++i) {
    const LossArg* loss = &loss_;
    if (loss_.kind() == LossArg::Kind::list && count > 1) {
      loss = &loss_.list()[i];
    } else if (loss_.kind() == LossArg::Kind::dict) {
      loss = loss_.find(output_names_[i]);
    }
    if (loss == nullptr || loss->none()) continue;
    if (i >= y_true.size() || !y_true[i].defined()) {
      fail<ValueError>({"compile", "Every output with a loss needs targets",
                        fmt::format("{} targets for {} outputs", y_true.size(), count), ""});
    }
    add_terms(*loss, weights_at(i), i, y_true[i], y_pred[i]);
  }
  if (terms_.size() > 1) {
    for (const auto& term : terms_) {
      trackers_.push_back(std::make_shared<metrics::Mean>(MetricOptions{.name = term.name + "_loss"}));
    }
  }
  built_ = true;
}

std::vector<std::shared_ptr<Metric>> CompileLoss::metrics() const {
  return {trackers_.begin(), trackers_.end()};
}

Tensor CompileLoss::operator()(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight) {
  const auto predictions = flatten_outputs(y_pred, output_names_);
  auto labels = flatten_outputs(y_true, output_names_);
  auto weights = flatten_outputs(sample_weight, output_names_);
  if (labels.size() > predictions.size()) {
    fail<ValueError>({"compile", "Targets must have the structure of the outputs",
                      fmt::format("{} targets, {} outputs", labels.size(), predictions.size()), ""});
  }
  if (!built_) build(labels, predictions, y_pred);
  Tensor total;
  for (size_t k = 0; k < terms_.size(); ++k) {
    const Term& term = terms_[k];
    Tensor weight;
    if (weights.size() == 1) {
      weight = weights[0];
    } else if (term.output < weights.size()) {
      weight = weights[term.output];
    }
    Tensor value = ops::cast((*term.loss)(labels[term.output], predictions[term.output], weight), floatx());
    if (!trackers_.empty()) {
      trackers_[k]->update_state(value, ops::cast(internal::extent(predictions[term.output], 0), floatx()));
    }
    if (term.weight) value = value * *term.weight;
    total = total.defined() ? total + value : value;
  }
  return total;
}

}  // namespace keras::internal
