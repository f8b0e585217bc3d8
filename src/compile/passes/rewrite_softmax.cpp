// SPDX-License-Identifier: Apache-2.0
// softmax, cross_entropy: found in the parts of which people write them, where nothing else reads the parts.
// Only forms that shift by the largest element are taken: without it, large logits overflow, and that is what
// the program says.
#include "compile/match.h"
#include "compile/passes/list.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;
constexpr Value kNone = Rewriter::kNone;

// x - max(x) over axes that are kept.
struct Shifted {
  Value x;
  Value largest;
  keras_list axes;
};

std::optional<Shifted> as_shifted(const Rewriter& rewriter, Value v) {
  const auto* sub = rewriter.maker(v, OpId::sub_op);
  if (sub == nullptr || !(rewriter.type(sub->inputs[0]) == rewriter.type(v))) return std::nullopt;
  const auto* largest = rewriter.maker(sub->inputs[1], OpId::reduce_max_op);
  if (largest == nullptr || largest->inputs[0] != sub->inputs[0]) return std::nullopt;
  const auto& at = attributes_of<ReduceAttributes>(*largest);
  if (at.keepdims == 0) return std::nullopt;
  return Shifted{sub->inputs[0], sub->inputs[1], at.axes};
}

// The operand of a sum over these axes, kept.
Value summed(const Rewriter& rewriter, Value v, const keras_list& axes) {
  const auto* sum = sole_maker(rewriter, v, OpId::reduce_sum_op);
  if (sum == nullptr) return kNone;
  const auto& at = attributes_of<ReduceAttributes>(*sum);
  return at.keepdims != 0 && same_list(at.axes, axes) ? sum->inputs[0] : kNone;
}

AxesAttributes over(const keras_list& axes) {
  auto at = make_attributes<AxesAttributes>();
  at.axes = axes;
  return at;
}

// e / sum(e) with e = exp(x - max(x))
Value as_softmax(Rewriter& rewriter, const Graph::Node& node) {
  const Value e = node.inputs[0];
  const auto* exp = sole_maker(rewriter, e, OpId::exp_op, 2);
  if (exp == nullptr || rewriter.readers(exp->inputs[0]) != 1) return kNone;
  const auto shifted = as_shifted(rewriter, exp->inputs[0]);
  if (!shifted || summed(rewriter, node.inputs[1], shifted->axes) != e) return kNone;
  return rewriter.add(OpId::softmax_op, over(shifted->axes), {shifted->x});
}

// s - log(sum(exp(s))) with s = x - max(x); or x - logsumexp(x)
Value as_log_softmax(Rewriter& rewriter, const Graph::Node& node) {
  const Value s = node.inputs[0];
  if (const auto* lse = sole_maker(rewriter, node.inputs[1], OpId::logsumexp_op)) {
    const auto& at = attributes_of<ReduceAttributes>(*lse);
    if (at.keepdims == 0 || lse->inputs[0] != s) return kNone;
    return rewriter.add(OpId::log_softmax_op, over(at.axes), {s});
  }
  const auto shifted = as_shifted(rewriter, s);
  const auto* log = sole_maker(rewriter, node.inputs[1], OpId::log_op);
  if (!shifted || log == nullptr || rewriter.readers(s) != 2) return kNone;
  const Value e = summed(rewriter, log->inputs[0], shifted->axes);
  const auto* exp = e == kNone ? nullptr : sole_maker(rewriter, e, OpId::exp_op);
  if (exp == nullptr || exp->inputs[0] != s) return kNone;
  return rewriter.add(OpId::log_softmax_op, over(shifted->axes), {shifted->x});
}

// log(sum(exp(x - max(x)))) + max(x)
Value as_logsumexp(Rewriter& rewriter, const Graph::Node& node) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const auto* log = sole_maker(rewriter, node.inputs[i], OpId::log_op);
    const auto* sum = log == nullptr ? nullptr : sole_maker(rewriter, log->inputs[0], OpId::reduce_sum_op);
    const auto* exp = sum == nullptr ? nullptr : sole_maker(rewriter, sum->inputs[0], OpId::exp_op);
    if (exp == nullptr || rewriter.readers(exp->inputs[0]) != 1) continue;
    const auto shifted = as_shifted(rewriter, exp->inputs[0]);
    if (!shifted || shifted->largest != node.inputs[1 - i]) continue;
    if (summed(rewriter, log->inputs[0], shifted->axes) == kNone) continue;
    auto at = make_attributes<ReduceAttributes>();
    at.axes = shifted->axes;
    at.keepdims = 1;
    return rewriter.add(OpId::logsumexp_op, at, {shifted->x});
  }
  return kNone;
}

// The rows' elements at the labels: gather(z, labels) along the last axis.
struct Picked {
  Value z, labels;
};

std::optional<Picked> as_picked(const Rewriter& rewriter, Value v) {
  const auto* gather = sole_maker(rewriter, v, OpId::gather_op);
  if (gather == nullptr) return std::nullopt;
  const auto& at = attributes_of<GatherAttributes>(*gather);
  const Shape& z = rewriter.type(gather->inputs[0]).shape;
  const Shape& labels = rewriter.type(gather->inputs[1]).shape;
  const int64_t last = z.rank() - 1;
  if (at.axis != last || at.batch_dims != last || labels.rank() != last) return std::nullopt;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!(labels[i] == z[i])) return std::nullopt;
  }
  return Picked{gather->inputs[0], gather->inputs[1]};
}

bool is_last_axis(const Rewriter& rewriter, const keras_list& axes, Value z) {
  return axes.count == 1 && axes.v[0] == rewriter.type(z).shape.rank() - 1;
}

// -log_softmax(z)[labels]
Value as_negated_log(Rewriter& rewriter, const Graph::Node& node) {
  const auto picked = as_picked(rewriter, node.inputs[0]);
  if (!picked) return kNone;
  const auto* log = sole_maker(rewriter, picked->z, OpId::log_softmax_op);
  if (log == nullptr || log->residuals != 0) return kNone;
  const Value z = log->inputs[0];
  if (!is_last_axis(rewriter, attributes_of<AxesAttributes>(*log).axes, z)) return kNone;
  return rewriter.add(OpId::softmax_cross_entropy_op, {z, picked->labels});
}

// logsumexp(z) - z[labels]
Value as_difference(Rewriter& rewriter, const Graph::Node& node) {
  const auto* lse = sole_maker(rewriter, node.inputs[0], OpId::logsumexp_op);
  const auto picked = as_picked(rewriter, node.inputs[1]);
  if (lse == nullptr || !picked || lse->inputs[0] != picked->z) return kNone;
  const auto& at = attributes_of<ReduceAttributes>(*lse);
  if (at.keepdims != 0 || !is_last_axis(rewriter, at.axes, picked->z)) return kNone;
  return rewriter.add(OpId::softmax_cross_entropy_op, {picked->z, picked->labels});
}

template <class Find>
void rewrite(Graph& graph, const Find& find) {
  Rewriter rewriter(graph);
  while (const Graph::Node* node = rewriter.next()) {
    const Value found = find(rewriter, *node);
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace

void rewrite_softmax(Graph& graph, const PassContext&) {
  rewrite(graph, [](Rewriter& rewriter, const Graph::Node& node) {
    switch (node.op) {
      case OpId::div_op:
        return as_softmax(rewriter, node);
      case OpId::sub_op:
        return as_log_softmax(rewriter, node);
      case OpId::add_op:
        return as_logsumexp(rewriter, node);
      default:
        return kNone;
    }
  });
}

// A product with one-hot labels is left: a label that is no class makes it 0, where the fused op fails.
void rewrite_cross_entropy(Graph& graph, const PassContext&) {
  rewrite(graph, [](Rewriter& rewriter, const Graph::Node& node) {
    switch (node.op) {
      case OpId::neg_op:
        return as_negated_log(rewriter, node);
      case OpId::sub_op:
        return as_difference(rewriter, node);
      default:
        return kNone;
    }
  });
}

}  // namespace keras::internal
