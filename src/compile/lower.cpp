// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "compile/pass.h"
#include "compile/rewriter.h"
#include "keras/runtime/interpreter.h"
#include "runtime/graph_image.h"
#include "runtime/trace.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

class Lowering {
 public:
  explicit Lowering(Backend& backend) : backend_(backend) {}

  void run(Graph& graph) {
    std::set<Value> residuals;
    Rewriter rewriter(graph);
    while (Graph::Node* node = rewriter.next()) {
      for (int i = 0; i < node->residuals; ++i)
        residuals.insert(node->outputs[node->outputs.size() - 1 - static_cast<size_t>(i)]);
      if (node->op == OpId::fusion_op) {
        lower_fusion(rewriter, *node);
      } else if (!node->regions.empty()) {
        if (node->op != OpId::host_call_op) lower_regions(rewriter, *node);
        rewriter.keep();
      } else if (is_composed(graph, *node, residuals)) {
        rewriter.replace(rewriter.splice(*decomposed(graph, *node), node->inputs));
      } else {
        rewriter.keep();
      }
    }
    rewriter.finish();
  }

 private:
  void lower_fusion(Rewriter& rewriter, const Graph::Node& node) {
    if (ask_backend(backend_, rewriter.graph(), node).verdict == KERAS_NATIVE) return rewriter.keep();
    rewriter.replace(rewriter.splice(*node.regions[0], node.inputs));
  }

  // What decompositions know inside of regions comes in as captures.
  void lower_regions(Rewriter& rewriter, Graph::Node& node) {
    std::vector<std::shared_ptr<Graph>> lowered;
    std::vector<std::pair<size_t, Graph::Constant>> constants;
    for (const auto& region : node.regions) {
      lowered.push_back(std::make_shared<Graph>(*region));
      run(*lowered.back());
      for (const auto& constant : lowered.back()->constants())
        constants.emplace_back(lowered.size() - 1, constant);
    }
    for (size_t r = 0; r < lowered.size(); ++r) {
      if (constants.empty()) break;
      Graph& region = *lowered[r];
      Rewriter inside(region);
      for (const auto& [owner, constant] : constants) {
        const Value input = inside.add_input({constant.tensor.dtype(), constant.tensor.shape()});
        if (owner == r) inside.substitute(constant.value, input);
      }
      while (inside.next() != nullptr) inside.keep();
      inside.finish();
      region.constants().clear();
    }
    for (const auto& [owner, constant] : constants)
      rewriter.add_operand(node.inputs, rewriter.add_constant(constant.tensor));
    for (size_t r = 0; r < lowered.size(); ++r) node.regions[r] = lowered[r];
  }

  // Residuals are a native kernel's own: their ops were native when they were traced, and stay so.
  bool is_composed(const Graph& graph, const Graph::Node& node, const std::set<Value>& residuals) {
    if (op_def(node.op).rule.decompose == nullptr || node.residuals > 0) return false;
    for (const Value v : node.inputs) {
      if (residuals.contains(v)) return false;
    }
    Question question{node.op, node.attributes, {}};
    for (const Value v : node.inputs) question.operands.push_back(graph.type(v).to_string());
    const auto [it, fresh] = answers_.try_emplace(std::move(question), KERAS_NATIVE);
    if (fresh) it->second = ask_backend(backend_, graph, node).verdict;
    return it->second == KERAS_COMPOSED;
  }

  std::shared_ptr<const Graph> decomposed(const Graph& graph, const Graph::Node& node) {
    Trace trace;
    std::vector<Tensor> operands;
    for (const Value v : node.inputs) operands.push_back(trace.argument(graph.type(v)));
    {
      const InterpreterScope here(trace, InterpreterScope::Replace{});
      const OpDef& op = op_def(node.op);
      DecomposeContext context{op, node.attributes.data(), operands, false};
      const Tensors results = op.rule.decompose(context);
      trace.set_outputs({results.begin(), results.end()});
    }
    auto out = std::make_shared<Graph>(*trace.graph());
    run(*out);
    return out;
  }

  struct Question {
    OpId op;
    std::vector<uint8_t> attributes;
    std::vector<std::string> operands;
    friend bool operator<(const Question& a, const Question& b) {
      return std::tie(a.op, a.attributes, a.operands) < std::tie(b.op, b.attributes, b.operands);
    }
  };

  Backend& backend_;
  std::map<Question, keras_verdict> answers_;
};

}  // namespace

void lower(Graph& graph, Backend& backend) { Lowering(backend).run(graph); }

}  // namespace keras::internal
