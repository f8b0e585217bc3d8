// SPDX-License-Identifier: Apache-2.0
#include "models/compile_loss.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/operators.h"
#include "models/output_structure.h"

namespace keras::internal {

/// The losses of compile with their weights, in the structure that the user gave.
struct CompileLoss::Tree {
  Tree() = default;  // as an aggregate it could not stand in a pair inside itself (clang 14)
  LossArg::Kind kind = LossArg::Kind::none;
  LossSpec loss;
  std::optional<double> weight;
  std::vector<std::pair<std::string, Tree>> items;  ///< keys are "" in lists

  bool nested() const { return kind == LossArg::Kind::list || kind == LossArg::Kind::dict; }
};

namespace {

using Kind = LossArg::Kind;

template <class Tree>
Tree tree_of(const LossArg& loss) {
  Tree out;
  out.kind = loss.kind();
  if (loss.kind() == Kind::leaf) out.loss = loss.leaf();
  for (const auto& item : loss.list()) out.items.emplace_back("", tree_of<Tree>(item));
  for (const auto& [key, item] : loss.items()) out.items.emplace_back(key, tree_of<Tree>(item));
  return out;
}

// The places of losses (Nones, too) in flattening order.
template <class Tree>
std::vector<Tree*> leaves_of(Tree& tree) {
  if (!tree.nested()) return {&tree};
  std::vector<std::pair<std::string, Tree>*> order;
  for (auto& item : tree.items) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  std::vector<Tree*> out;
  for (auto* item : order) {
    for (Tree* leaf : leaves_of(item->second)) out.push_back(leaf);
  }
  return out;
}

template <class Tree>
bool is_flat(const Tree& tree) {
  return std::none_of(tree.items.begin(), tree.items.end(), [](const auto& i) { return i.second.nested(); });
}

// The items of a flat list of losses in the structure of the outputs.
template <class Tree>
Tree packed_like(const Nest& outputs, const Tree& list, size_t& next) {
  if (!is_nested(outputs)) return list.items[next++].second;
  Tree out;
  out.kind = outputs.is_list() ? Kind::list : Kind::dict;
  std::vector<std::string> keys(outputs.size());
  for (size_t i = 0; i < outputs.items().size(); ++i) keys[i] = outputs.items()[i].first;
  std::sort(keys.begin(), keys.end());
  const auto children = ordered_children(outputs);
  for (size_t i = 0; i < children.size(); ++i) {
    out.items.emplace_back(keys[i], packed_like(children[i], list, next));
  }
  return out;
}

template <class Arg>
std::vector<const Arg*> leaves_of_argument(const Arg& arg) {
  using ArgKind = typename Arg::Kind;
  if (arg.kind() == ArgKind::none || arg.kind() == ArgKind::leaf) return {&arg};
  std::vector<std::pair<std::string, const Arg*>> order;
  for (const auto& item : arg.list()) order.emplace_back("", &item);
  for (const auto& [key, item] : arg.items()) order.emplace_back(key, &item);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const Arg*> out;
  for (const auto& [key, item] : order) {
    for (const Arg* leaf : leaves_of_argument(*item)) out.push_back(leaf);
  }
  return out;
}

template <class Arg>
std::string keys_of(const Arg& arg) {
  std::string out;
  for (const auto& [key, value] : arg.items()) out += (out.empty() ? "" : ", ") + key;
  return out;
}

template <class Arg>
std::vector<std::string> key_list(const Arg& arg) {
  std::vector<std::string> out;
  for (const auto& [key, value] : arg.items()) out.push_back(key);
  return out;
}

template <class Arg>
bool has_names(const Arg& arg, const std::vector<std::string>& names) {
  if (arg.items().size() != names.size()) return false;
  return std::all_of(names.begin(), names.end(), [&](const auto& n) { return arg.find(n) != nullptr; });
}

template <class Arg>
Arg listed(const Arg& arg, const std::vector<std::string>& names) {
  std::vector<Arg> out;
  for (const auto& name : names) out.push_back(*arg.find(name));
  return Arg(std::move(out));
}

std::shared_ptr<Loss> loss_of(const LossSpec& spec, const Tensor& y_true, const Tensor& y_pred) {
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

}  // namespace

CompileLoss::CompileLoss(LossArg loss, LossWeightsArg weights, std::vector<std::string> output_names)
    : loss_(std::move(loss)), weights_(std::move(weights)), output_names_(std::move(output_names)) {}

std::string CompileLoss::path_text(const Path& path) {
  std::string out;
  for (const auto& step : path) {
    out += (out.empty() ? "" : "/") + (step.index ? std::to_string(*step.index) : step.key);
  }
  return out;
}

const Nest& CompileLoss::resolve(const Path& path, const Nest& nest) {
  const Nest* at = &nest;
  for (const auto& step : path) at = step.index ? &(*at)[*step.index] : &(*at)[step.key];
  return *at;
}

void CompileLoss::build_leaf(const Nest& y_true, const Nest& y_pred, const Tree& tree,
                             const std::vector<std::string>& names, const Path& path) {
  if (!y_pred.is_leaf()) {
    fail<ValueError>({"compile", "A loss judges one output tensor",
                      fmt::format("'{}' has the structure {}", path_text(path), describe_structure(y_pred)),
                      "give the losses in the structure of the outputs"});
  }
  if (!y_true.is_leaf()) {
    fail<ValueError>({"compile", "Every output with a loss needs targets",
                      fmt::format("none for '{}'", path.empty() ? "the output" : path_text(path)), ""});
  }
  Term term;
  term.path = path;
  term.loss = loss_of(tree.loss, y_true.tensor(), y_pred.tensor());
  term.weight = tree.weight;
  const std::string own = names.front().empty() ? term.loss->name() : names.front();
  if (path.empty()) {
    term.name = own;
  } else if (path.back().index) {
    const Path parent(path.begin(), path.end() - 1);
    term.name = parent.empty() ? own : path_text(parent) + "/" + own;
  } else {
    term.name = path_text(path);
  }
  terms_.push_back(std::move(term));
}

void CompileLoss::build_nested(const Nest& y_true, const Nest& y_pred, const Tree& tree,
                               const std::vector<std::string>& names, const Path& path) {
  if (tree.kind == Kind::none) return;
  if (tree.kind == Kind::leaf) return build_leaf(y_true, y_pred, tree, names, path);
  if (tree.kind == Kind::list && is_flat(tree) && is_nested(y_pred) && tree.items.size() == names.size() &&
      !(y_pred.is_list() && y_pred.size() == names.size())) {
    // A flat list of losses for outputs in another structure goes by flattening order.
    size_t next = 0;
    return build_nested(y_true, y_pred, packed_like(y_pred, tree, next), names, path);
  }
  if (tree.kind == Kind::list && !y_pred.is_list()) {
    for (const auto& [key, item] : tree.items) build_nested(y_true, y_pred, item, names, path);
    return;
  }
  const bool list = tree.kind == Kind::list;
  if (list ? !y_pred.is_list() : !y_pred.is_dict()) {
    fail<ValueError>(
        {"compile", "A loss given by name must name an output of the model",
         fmt::format("losses at '{}' for outputs {}", path_text(path), describe_structure(y_pred)),
         fmt::format("outputs: {}", fmt::join(output_names_, ", "))});
  }
  if (list && tree.items.size() != y_pred.size()) {
    fail<ValueError>({"compile", "A list of losses must have one entry per output",
                      fmt::format("{} losses for {} outputs", tree.items.size(), y_pred.size()),
                      "null stands for no loss"});
  }
  for (size_t i = 0; i < tree.items.size(); ++i) {
    const std::string& key = tree.items[i].first;
    const Tree& item = tree.items[i].second;
    if (item.kind == Kind::none) continue;
    Path inner = path;
    inner.push_back(list ? Step{i, ""} : Step{std::nullopt, key});
    const auto has = [&](const Nest& nest) {
      return list ? nest.is_list() && i < nest.size() : nest.contains(key);
    };
    if (!has(y_pred) || !has(y_true)) {
      fail<ValueError>({"compile", "Each loss must have its place in the outputs and in the targets",
                        fmt::format("'{}' with outputs {} and targets {}", path_text(inner),
                                    describe_structure(y_pred), describe_structure(y_true)),
                        ""});
    }
    // The names of the outputs below this one.
    size_t first = 0;
    if (list) {
      for (size_t k = 0; k < i; ++k) first += flatten_with_none(y_pred[k]).size();
    } else {
      for (const auto& [other, below] : y_pred.items()) {
        if (other < key) first += flatten_with_none(below).size();
      }
    }
    const Nest& predicted = list ? y_pred[i] : y_pred[key];
    const auto begin = names.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<std::string> own(
        begin, begin + static_cast<std::ptrdiff_t>(flatten_with_none(predicted).size()));
    build_nested(list ? y_true[i] : y_true[key], predicted, item, own, inner);
  }
}

void CompileLoss::build(const Nest& y_true, const Nest& y_pred) {
  LossArg loss = loss_;
  LossWeightsArg weights = weights_;
  if (!output_names_.empty() && loss.kind() == Kind::dict && !y_pred.is_dict()) {
    if (!has_names(loss, output_names_)) {
      fail<ValueError>({"compile", "Losses given by name must name the outputs of the model", keys_of(loss),
                        output_names_hint(key_list(loss), output_names_)});
    }
    loss = listed(loss, output_names_);
  }
  if (weights.kind() == LossWeightsArg::Kind::dict && loss.kind() == Kind::list) {
    if (!has_names(weights, output_names_)) {
      fail<ValueError>({"compile", "loss_weights given by name must name the outputs of the model",
                        keys_of(weights), output_names_hint(key_list(weights), output_names_)});
    }
    weights = listed(weights, output_names_);
  }
  Tree tree = tree_of<Tree>(loss);
  if (!weights.none()) {
    const auto places = leaves_of(tree);
    const auto numbers = leaves_of_argument(weights);
    if (places.size() != numbers.size()) {
      fail<ValueError>({"compile", "loss_weights must match the number of losses",
                        fmt::format("{} losses and {} weights", places.size(), numbers.size()), ""});
    }
    if (loss.kind() == Kind::dict && weights.kind() == LossWeightsArg::Kind::dict) {
      for (const auto& [key, item] : weights.items()) {
        if (loss.find(key) == nullptr) {
          fail<ValueError>({"compile", "loss_weights must have the names of the losses", key, keys_of(loss)});
        }
      }
    }
    for (size_t i = 0; i < places.size(); ++i) {
      if (numbers[i]->kind() == LossWeightsArg::Kind::leaf) places[i]->weight = numbers[i]->leaf();
    }
  }
  const size_t count = flatten_with_none(y_pred).size();
  std::vector<std::string> names = output_names_;
  if (names.size() != count) names.assign(count, "");
  if (!tree.nested() && is_nested(y_pred)) {
    // One loss for every output.
    const auto spread = [&](const auto& self, const Nest& outputs) -> Tree {
      if (!is_nested(outputs)) return tree;
      Tree out;
      out.kind = outputs.is_list() ? Kind::list : Kind::dict;
      for (const auto& item : outputs.list()) out.items.emplace_back("", self(self, item));
      for (const auto& [key, item] : outputs.items()) out.items.emplace_back(key, self(self, item));
      return out;
    };
    tree = spread(spread, y_pred);
  }
  terms_.clear();
  build_nested(y_true, y_pred, tree, names, {});
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

// Targets need not come in exactly the outputs' structure: names may stand for positions, a flat list for a
// deeper structure, and targets may be left out where an output has no loss.
Nest CompileLoss::reconciled_labels(const Nest& y_true, const Nest& y_pred) const {
  if (same_containers(y_true, y_pred)) return y_true;
  Nest labels = y_true;
  if (y_pred.is_list() && has_exactly_keys(y_true, output_names_))
    labels = in_order_of(y_true, output_names_);
  if (same_containers(labels, y_pred)) return labels;
  const auto flat = flatten_with_none(labels);
  if (flat.size() == flatten_with_none(y_pred).size()) return pack_with_none(y_pred, flat);
  const auto losses = leaves_of_argument(loss_);
  const auto present = std::count_if(losses.begin(), losses.end(), [](const auto* l) { return !l->none(); });
  if (losses.size() == flatten_with_none(y_pred).size() && flat.size() == static_cast<size_t>(present)) {
    std::vector<Nest> placed;
    size_t next = 0;
    for (const auto* loss : losses) placed.push_back(loss->none() ? Nest() : flat[next++]);
    return pack_with_none(y_pred, placed);
  }
  fail<ValueError>(
      {"compile", "Targets must have the structure of the outputs",
       fmt::format("targets {}, outputs {}", describe_structure(y_true), describe_structure(y_pred)), ""});
}

Nest CompileLoss::reconciled_weights(const Nest& weights, const Nest& y_pred) const {
  if (!is_nested(weights) || same_containers(weights, y_pred)) return weights;
  Nest out = weights;
  if (y_pred.is_list() && has_exactly_keys(weights, output_names_)) out = in_order_of(weights, output_names_);
  if (same_containers(out, y_pred)) return out;
  const auto flat = flatten_with_none(out);
  if (flat.size() == flatten_with_none(y_pred).size()) return pack_with_none(y_pred, flat);
  fail<ValueError>(
      {"compile", "Sample weights must be one array, or have the structure of the outputs",
       fmt::format("weights {}, outputs {}", describe_structure(weights), describe_structure(y_pred)), ""});
}

Tensor CompileLoss::operator()(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight) {
  const Nest labels = reconciled_labels(y_true, y_pred);
  const Nest weights = reconciled_weights(sample_weight, y_pred);
  if (!built_) build(labels, y_pred);
  Tensor total;
  for (size_t k = 0; k < terms_.size(); ++k) {
    const Term& term = terms_[k];
    const Tensor& predicted = resolve(term.path, y_pred).tensor();
    const Nest& weight = is_nested(weights) ? resolve(term.path, weights) : weights;
    Tensor value = ops::cast((*term.loss)(resolve(term.path, labels).tensor(), predicted,
                                          weight.is_leaf() ? weight.tensor() : Tensor()),
                             floatx());
    // Batches count alike here, whatever their size: so it is in Keras' traced steps, whose batch size is
    // open.
    if (!trackers_.empty()) trackers_[k]->update_state(value, Tensor());
    if (term.weight) value = value * *term.weight;
    total = total.defined() ? total + value : value;
  }
  return total;
}

}  // namespace keras::internal
