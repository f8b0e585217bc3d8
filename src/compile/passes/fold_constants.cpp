// SPDX-License-Identifier: Apache-2.0
// fold: what depends on known values alone is computed now, by the backend that would compute it later.
#include <algorithm>
#include <unordered_map>

#include "compile/passes/list.h"
#include "compile/rewriter.h"
#include "compile/uniform.h"
#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"

namespace keras::internal {

namespace {

// Larger results are kept only where they take the place of operands as large.
constexpr size_t kSmallBytes = 64 * 1024;

class Folder {
 public:
  Folder(Rewriter& rewriter, bool region) : rewriter_(rewriter), region_(region) {}

  /// The results of the node as values known now, or nothing.
  std::vector<Graph::Value> fold(const Graph::Node& node) {
    if (!foldable(node)) return {};
    if (op_def(node.op).has('E')) {
      if (const auto number = fold_numbers(node); number != Rewriter::kNone) return {number};
    }
    return fold_tensors(node);
  }

 private:
  static bool foldable(const Graph::Node& node) {
    const OpDef& def = op_def(node.op);
    return !node.inputs.empty() && node.regions.empty() && node.residuals == 0 && !def.has('X') &&
           node.op != OpId::barrier_op;
  }

  static Tensors run(const Graph::Node& node, std::span<const Tensor> operands) {
    const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
    try {
      return eager_interpreter().apply(
          OpCall{&op_def(node.op), node.attributes.data(), operands, false, {}, {}});
    } catch (const Error&) {
      return {};  // it is an error when it runs, not before
    }
  }

  static Tensor make(const ConstantAttributes& attributes) {
    const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
    return apply_op(OpId::constant_op, attributes, {});
  }

  // An elementwise op of numbers is a number, whatever the shapes.
  Graph::Value fold_numbers(const Graph::Node& node) {
    std::vector<Tensor> operands;
    for (const auto v : node.inputs) {
      auto number = uniform(rewriter_, v);
      if (!number) return Rewriter::kNone;
      number->shape = keras_list{};
      operands.push_back(make(*number));
    }
    const Tensors results = run(node, operands);
    if (results.size() != 1) return Rewriter::kNone;
    auto number = uniform(results[0]);
    if (!number) return Rewriter::kNone;
    number->shape = to_list(rewriter_.type(node.outputs[0]).shape);
    return rewriter_.add(OpId::constant_op, *number, {});
  }

  // A value's elements where they are known: a constant of the program, or a `constant` or `iota` of few.
  Tensor known(Graph::Value v) {
    if (const Tensor* tensor = rewriter_.constant(v)) return *tensor;
    const Graph::Node* maker = rewriter_.maker(v);
    if (maker == nullptr || (maker->op != OpId::constant_op && maker->op != OpId::iota_op)) return {};
    const TensorType& type = rewriter_.type(v);
    if (!type.shape.known() || bytes(type) > kSmallBytes) return {};
    auto& tensor = made_[v];
    if (!tensor.defined()) {
      const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
      tensor = apply(maker->op, maker->attributes.data(), {})[0];
    }
    return tensor;
  }

  static size_t bytes(const TensorType& type) {
    return static_cast<size_t>(type.shape.elements()) * dtype_size(type.dtype);
  }

  bool small_enough(const Graph::Node& node) const {
    size_t in = 0, out = 0;
    for (const auto v : node.outputs) {
      if (!rewriter_.type(v).shape.known()) return false;
      out += bytes(rewriter_.type(v));
    }
    for (const auto v : node.inputs) {
      if (rewriter_.constant(v) != nullptr) in += bytes(rewriter_.type(v));
    }
    return out <= kSmallBytes || out <= in;
  }

  std::vector<Graph::Value> fold_tensors(const Graph::Node& node) {
    if (!small_enough(node)) return {};
    std::vector<Tensor> operands;
    for (const auto v : node.inputs) {
      operands.push_back(known(v));
      if (!operands.back().defined()) return {};
    }
    const Tensors results = run(node, operands);
    if (results.size() != node.outputs.size()) return {};
    std::vector<Graph::Value> out;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!(TensorType{results[i].dtype(), results[i].shape()} == rewriter_.type(node.outputs[i]))) return {};
      if (const auto number = uniform(results[i])) {
        out.push_back(rewriter_.add(OpId::constant_op, *number, {}));
      } else if (region_) {
        return {};
      } else {
        out.push_back(rewriter_.add_constant(results[i]));
      }
    }
    return out;
  }

  Rewriter& rewriter_;
  bool region_;
  std::unordered_map<Graph::Value, Tensor> made_;
};

}  // namespace

void fold_constants(Graph& graph, const PassContext& context) {
  Rewriter rewriter(graph);
  Folder folder(rewriter, context.region);
  while (const Graph::Node* node = rewriter.next()) {
    const auto values = folder.fold(*node);
    if (values.empty()) {
      rewriter.keep();
    } else {
      rewriter.replace(values);
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
