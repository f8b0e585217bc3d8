// SPDX-License-Identifier: Apache-2.0
#include "compile/passes/activation_patterns.h"

#include <algorithm>
#include <unordered_map>

#include "compile/passes/list.h"
#include "compile/uniform.h"
#include "ops/fused_activation.h"
#include "runtime/trace.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// Stands for any slope in a pattern; float32 holds it exactly.
constexpr double kAnySlope = 0.7734375;

// An activation written out, by the very function that decomposes it.
struct Pattern {
  int64_t activation;
  double alpha;  // kAnySlope: whatever stands there
  std::shared_ptr<Graph> graph;
  std::vector<const Graph::Node*> makers;  // by value
  std::vector<int> readers;                // by value

  Value root() const { return graph->outputs()[0]; }
  Value z() const { return graph->inputs()[0]; }
  const Graph::Node* maker(Value v) const { return makers[static_cast<size_t>(v)]; }
};

Pattern make_pattern(int64_t activation, double alpha) {
  Trace trace;
  const Tensor z = trace.argument({DType::float32, Shape{2}});
  {
    const InterpreterScope scope(trace, InterpreterScope::Replace{});
    trace.set_outputs({activate(z, activation, alpha)});
  }
  Pattern p{activation, alpha, trace.graph(), {}, {}};
  static const PassOptions none;
  simplify(*p.graph, {none});  // as programs have been
  merge_common(*p.graph, {none});
  p.makers.assign(p.graph->types().size(), nullptr);
  p.readers.assign(p.graph->types().size(), 0);
  for (const auto& node : p.graph->nodes()) {
    p.makers[static_cast<size_t>(node.outputs[0])] = &node;
    for (const Value v : node.inputs) ++p.readers[static_cast<size_t>(v)];
  }
  return p;
}

// By the last op.
const std::unordered_multimap<OpId, Pattern>& patterns() {
  static const auto all = [] {
    std::unordered_multimap<OpId, Pattern> out;
    const auto add = [&out](int64_t activation, double alpha) {
      Pattern p = make_pattern(activation, alpha);
      const OpId last = p.maker(p.root())->op;
      out.emplace(last, std::move(p));
    };
    for (int64_t a = KERAS_ACT_RELU; a <= KERAS_ACT_HARD_SIGMOID; ++a) add(a, kAnySlope);
    add(KERAS_ACT_ELU, 1.0);  // where the slope is not written
    return out;
  }();
  return all;
}

bool commutes(OpId op) {
  return op == OpId::add_op || op == OpId::mul_op || op == OpId::maximum_op || op == OpId::minimum_op;
}

class Match {
 public:
  Match(const Rewriter& rewriter, const Pattern& pattern, const Shape& shape)
      : rewriter_(rewriter), pattern_(pattern), shape_(shape) {}

  std::optional<Activated> at(const Graph::Node& node) {
    const Graph::Node& root = *pattern_.maker(pattern_.root());
    if (!operands_match(node, root) || z_ == Rewriter::kNone) return std::nullopt;
    const double alpha = pattern_.alpha == kAnySlope ? slope_ : pattern_.alpha;
    return Activated{z_, pattern_.readers[static_cast<size_t>(pattern_.z())], pattern_.activation, alpha};
  }

 private:
  bool operands_match(const Graph::Node& node, const Graph::Node& wanted) {
    if (node.op != wanted.op || node.attributes != wanted.attributes) return false;
    const auto before = std::pair(z_, slope_);
    if (in_order(node.inputs, wanted.inputs)) return true;
    if (!commutes(node.op)) return false;
    std::tie(z_, slope_) = before;
    return in_order({node.inputs[1], node.inputs[0]}, wanted.inputs);
  }

  bool in_order(const std::vector<Value>& values, const std::vector<Value>& wanted) {
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!value_matches(values[i], wanted[i])) return false;
    }
    return true;
  }

  bool value_matches(Value v, Value wanted) {
    if (wanted == pattern_.z()) {
      if (z_ == Rewriter::kNone) z_ = v;
      return z_ == v && rewriter_.type(v).shape == shape_;
    }
    const Graph::Node& node = *pattern_.maker(wanted);
    if (node.op == OpId::constant_op) {
      const double number = attributes_of<ConstantAttributes>(node).real;
      if (number != kAnySlope) return is_close(rewriter_, v, number);
      const auto slope = uniform_number(rewriter_, v);
      if (!slope || (slope_ != 0 && slope_ != *slope)) return false;
      slope_ = *slope;
      return true;
    }
    const Graph::Node* maker = rewriter_.maker(v);
    return maker != nullptr && maker->outputs.size() == 1 && rewriter_.type(v).shape == shape_ &&
           rewriter_.readers(v) == pattern_.readers[static_cast<size_t>(wanted)] &&
           operands_match(*maker, node);
  }

  const Rewriter& rewriter_;
  const Pattern& pattern_;
  const Shape& shape_;
  Value z_ = Rewriter::kNone;
  double slope_ = 0;
};

}  // namespace

std::optional<Activated> as_activation(const Rewriter& rewriter, const Graph::Node& node) {
  const auto [first, last] = patterns().equal_range(node.op);
  if (first == last || !is_float(rewriter.type(node.outputs[0]).dtype)) return std::nullopt;
  const Shape& shape = rewriter.type(node.outputs[0]).shape;
  for (auto it = first; it != last; ++it) {
    if (auto found = Match(rewriter, it->second, shape).at(node)) return found;
  }
  return std::nullopt;
}

}  // namespace keras::internal
