// SPDX-License-Identifier: Apache-2.0
// captures: what control flow passes into its regions and out of them is cut down to what they need. Captured
// numbers become constants inside; loop state that never changes becomes a capture; state, captures and
// results that nothing reads go.
#include <algorithm>

#include "compile/passes/list.h"
#include "compile/rewriter.h"
#include "compile/uniform.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// The outputs that are wanted.
std::vector<Value> chosen(const Graph& region, const std::vector<bool>& wanted) {
  std::vector<Value> out;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) out.push_back(region.outputs()[i]);
  }
  return out;
}

void unite(std::vector<bool>& a, const std::vector<bool>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] = a[i] || b[i];
}

// A node of control flow with its operands by their part: `lead` operands that no region takes, then
// `carries` of loop state, `sequences` that are cut, and captures.
class Flow {
 public:
  Flow(Rewriter& rewriter, Graph::Node& node) : rewriter_(rewriter), node_(node) {
    switch (node.op) {
      case OpId::cond_op:
        lead_ = 1;
        break;
      case OpId::while_op:
        carries_ = static_cast<size_t>(attributes_of<WhileAttributes>(node).carries);
        break;
      default:
        carries_ = static_cast<size_t>(attributes_of<ScanAttributes>(node).carries);
        sequences_ = static_cast<size_t>(attributes_of<ScanAttributes>(node).inputs);
    }
    inputs_ = node.inputs.size() - lead_;
    results_.assign(node.outputs.size(), true);
  }

  void cut() {
    find_results();
    find_fixed_state();
    find_needed();
    find_substitutes();
    rebuild();
  }

 private:
  // The region whose outputs are the results.
  const Graph& body() const { return *node_.regions.back(); }
  bool is_state(size_t input) const { return input < carries_ && !fixed_[input]; }
  Value operand(size_t input) const { return node_.inputs[lead_ + input]; }

  void find_results() {
    for (size_t i = 0; i < results_.size(); ++i) results_[i] = rewriter_.readers(node_.outputs[i]) > 0;
  }

  // State that every step hands on as it came is what it was before the loop.
  void find_fixed_state() {
    fixed_.assign(carries_, false);
    for (size_t i = 0; i < carries_; ++i) {
      fixed_[i] = body().outputs()[i] == body().inputs()[i] &&
                  rewriter_.type(operand(i)) == rewriter_.type(node_.outputs[i]);
      if (!fixed_[i]) continue;
      rewriter_.substitute(node_.outputs[i], operand(i));
      results_[i] = false;
    }
  }

  void find_needed() {
    std::vector<bool> wanted = results_;
    needed_.assign(inputs_, false);
    if (node_.op == OpId::while_op)
      unite(needed_, needed_inputs(*node_.regions[0], node_.regions[0]->outputs()));
    for (bool grows = true; grows;) {
      for (size_t i = 0; i < carries_; ++i) wanted[i] = wanted[i] || (is_state(i) && needed_[i]);
      const std::vector<bool> before = needed_;
      unite(needed_, needed_inputs(body(), chosen(body(), wanted)));
      if (node_.op == OpId::cond_op)
        unite(needed_, needed_inputs(*node_.regions[0], chosen(*node_.regions[0], wanted)));
      // State whose last value is read is kept even where no step reads it.
      for (size_t i = 0; i < carries_; ++i) needed_[i] = needed_[i] || (is_state(i) && wanted[i]);
      grows = needed_ != before;
    }
    results_ = wanted;
    if (node_.op != OpId::scan_op || sequences_ == 0) return;
    // The number of steps comes from a sequence unless it is written down.
    auto& at = *reinterpret_cast<ScanAttributes*>(node_.attributes.data());
    const bool some = std::any_of(needed_.begin() + static_cast<std::ptrdiff_t>(carries_),
                                  needed_.begin() + static_cast<std::ptrdiff_t>(carries_ + sequences_),
                                  [](bool b) { return b; });
    if (some || at.length >= 0) return;
    const Dim steps = rewriter_.type(operand(carries_)).shape.front();
    if (steps.known()) {
      at.length = steps.value();
    } else {
      needed_[carries_] = true;
    }
  }

  bool is_capture(size_t input) const {
    return !is_state(input) && (input < carries_ || input >= carries_ + sequences_);
  }

  void find_substitutes() {
    for (size_t i = 0; i < inputs_; ++i) {
      if (!needed_[i] || !is_capture(i)) continue;
      auto number = uniform(rewriter_, operand(i));
      size_t same = inputs_;
      for (size_t k = 0; !number && k < i && same == inputs_; ++k) {
        if (needed_[k] && is_capture(k) && operand(k) == operand(i)) same = k;
      }
      if (!number && same == inputs_) continue;
      substitutes_.push_back({i, same, number});
      needed_[i] = false;
    }
  }

  void rebuild() {
    const bool all_needed = std::all_of(needed_.begin(), needed_.end(), [](bool b) { return b; });
    const bool all_read = std::all_of(results_.begin(), results_.end(), [](bool b) { return b; });
    const bool none_fixed = std::none_of(fixed_.begin(), fixed_.end(), [](bool b) { return b; });
    if (all_needed && all_read && none_fixed) return;
    std::vector<size_t> order;  // state, sequences, captures
    for (size_t i = 0; i < inputs_; ++i) {
      if (needed_[i] && is_state(i)) order.push_back(i);
    }
    const size_t state = order.size();
    for (size_t i = carries_; i < carries_ + sequences_; ++i) {
      if (needed_[i]) order.push_back(i);
    }
    const size_t sequences = order.size() - state;
    for (size_t i = 0; i < inputs_; ++i) {
      if (needed_[i] && is_capture(i)) order.push_back(i);
    }
    for (auto& region : node_.regions) {
      const bool gives_results = region == node_.regions.back() || node_.op == OpId::cond_op;
      std::vector<Value> inputs, outputs;
      for (const size_t i : order) inputs.push_back(region->inputs()[i]);
      for (size_t i = 0; i < region->outputs().size(); ++i) {
        if (!gives_results || results_[i]) outputs.push_back(region->outputs()[i]);
      }
      std::vector<InputSubstitute> substitutes;
      for (const auto& s : substitutes_) {
        const Value by = s.same < inputs_ ? region->inputs()[s.same] : Rewriter::kNone;
        substitutes.push_back({region->inputs()[s.input], by, s.number});
      }
      new_regions_.push_back(extract(*region, inputs, outputs, substitutes));
    }
    node_.regions = std::move(new_regions_);
    std::vector<Value> operands(node_.inputs.begin(),
                                node_.inputs.begin() + static_cast<std::ptrdiff_t>(lead_));
    for (const size_t i : order) operands.push_back(operand(i));
    node_.inputs = std::move(operands);
    std::vector<Value> outputs;
    for (size_t i = 0; i < results_.size(); ++i) {
      if (results_[i]) outputs.push_back(node_.outputs[i]);
    }
    node_.outputs = std::move(outputs);
    if (node_.op == OpId::while_op) {
      reinterpret_cast<WhileAttributes*>(node_.attributes.data())->carries = static_cast<int64_t>(state);
    } else if (node_.op == OpId::scan_op) {
      auto& at = *reinterpret_cast<ScanAttributes*>(node_.attributes.data());
      at.carries = static_cast<int64_t>(state);
      at.inputs = static_cast<int64_t>(sequences);
    }
  }

  struct Substitute {
    size_t input;
    size_t same;  // another input with the same operand, or inputs_
    std::optional<ConstantAttributes> number;
  };

  Rewriter& rewriter_;
  Graph::Node& node_;
  size_t lead_ = 0, carries_ = 0, sequences_ = 0, inputs_ = 0;
  std::vector<bool> results_, fixed_, needed_;
  std::vector<Substitute> substitutes_;
  std::vector<std::shared_ptr<const Graph>> new_regions_;
};

// A cond whose choice is known is its branch.
bool choose_branch(Rewriter& rewriter, const Graph::Node& node) {
  const auto choice = uniform(rewriter, node.inputs[0]);
  if (!choice) return false;
  const Graph& branch = *node.regions[choice->integer != 0 ? 0 : 1];
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!(rewriter.type(node.outputs[i]) == branch.type(branch.outputs()[i]))) return false;
  }
  const std::vector<Value> operands(node.inputs.begin() + 1, node.inputs.end());
  rewriter.replace(rewriter.splice(branch, operands));
  return true;
}

}  // namespace

void sink_captures(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  while (Graph::Node* node = rewriter.next()) {
    const bool flow = node->op == OpId::cond_op || node->op == OpId::while_op || node->op == OpId::scan_op;
    if (node->op == OpId::cond_op && choose_branch(rewriter, *node)) continue;
    if (flow && node->residuals == 0) Flow(rewriter, *node).cut();
    rewriter.keep();
  }
  rewriter.finish();
}

}  // namespace keras::internal
