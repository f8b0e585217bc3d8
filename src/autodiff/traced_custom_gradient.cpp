// SPDX-License-Identifier: Apache-2.0
#include "autodiff/traced_custom_gradient.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "runtime/graph_driver.h"
#include "runtime/trace.h"

namespace keras::internal {

void check_cotangent(size_t index, const Shape& cotangent, const Shape& operand) {
  if (cotangent == operand || !cotangent.known() || !operand.known()) return;
  fail<ValueError>(
      {"custom_gradient", "A cotangent must have its operand's shape",
       fmt::format("{} for operand {} of shape {}", cotangent.to_string(), index, operand.to_string()), ""});
}

Tensor traced_custom_gradient(const FunctionWithGradient& f, const std::vector<Tensor>& operands) {
  Trace forward{Trace::Region{}};
  Trace backward{Trace::Region{}};
  std::vector<std::shared_ptr<VariableSlot>> assigned;
  const InterpreterScope scope(forward);
  std::vector<Tensor> arguments;
  for (const Tensor& t : operands) arguments.push_back(forward.argument({t.dtype(), t.shape()}));
  const auto [result, gradient] = f(arguments);
  {
    const InterpreterScope inner(backward);
    const Tensor upstream = backward.argument({result.dtype(), result.shape()});
    auto cotangents = gradient(upstream);
    if (cotangents.size() != operands.size()) {
      fail<ValueError>({"custom_gradient", "A gradient gives one cotangent per operand",
                        fmt::format("{} for {} operands", cotangents.size(), operands.size()), ""});
    }
    for (size_t i = 0; i < cotangents.size(); ++i) {
      if (cotangents[i].defined()) {
        check_cotangent(i, cotangents[i].shape(), operands[i].shape());
      } else {
        cotangents[i] = prim::full(operands[i].shape(), 0, operands[i].dtype());
      }
    }
    backward.set_outputs(cotangents);
  }
  // What the gradient reads from the forward pass, or from outside, are further results.
  std::vector<Tensor> outputs{result};
  for (const auto& use : forward.variables()) {
    if (!use.assigned) continue;
    assigned.push_back(use.slot);
    outputs.push_back(use.current);
  }
  for (const auto& capture : backward.captures()) outputs.push_back(capture.outside);
  forward.set_outputs(outputs);
  std::vector<Tensor> given = operands;
  for (const auto& capture : forward.captures()) given.push_back(capture.outside);
  const std::shared_ptr<const Graph> regions[] = {forward.graph(), backward.graph()};
  const auto none = make_attributes<NoAttributes>();
  Interpreter& around = *interpreter_below(forward);
  const InterpreterScope out(around, InterpreterScope::Replace{});
  Tensors results = apply(OpCall{&op_def(OpId::custom_vjp_op), &none, given, false, {}, regions});
  for (size_t i = 0; i < assigned.size(); ++i) around.assign(*assigned[i], results[1 + i]);
  return results[0];
}

namespace {

Tensors custom_vjp_vjp(VjpContext& c) {
  Tensors out(c.operands.size());
  if (!c.cotangents[0].defined()) return out;
  const Graph& backward = *c.regions[1];
  std::vector<Tensor> inputs{c.cotangents[0]};
  const size_t saved = backward.inputs().size() - 1;
  for (size_t i = c.results.size() - saved; i < c.results.size(); ++i) inputs.push_back(c.result(i));
  const auto cotangents = drive_graph(backward, std::move(inputs));
  for (size_t i = 0; i < cotangents.size(); ++i) out[i] = cotangents[i];
  return out;
}

KERAS_OP_RULE(custom_vjp, .vjp = custom_vjp_vjp);

}  // namespace
}  // namespace keras::internal
