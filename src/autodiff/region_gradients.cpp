// SPDX-License-Identifier: Apache-2.0
#include "autodiff/region_gradients.h"

#include <fmt/format.h>

#include <algorithm>

#include "autodiff/tape.h"
#include "keras/base/error.h"
#include "ops/primitives.h"
#include "runtime/graph_driver.h"
#include "runtime/trace.h"

// Gradients of ops with regions. The gradient's regions run the forward region again on the values that were
// kept, under a tape, and go back through it: memory for one step, and for a scan the carries of all steps.
namespace keras::internal {

namespace {

bool differentiable(const TensorType& type) { return is_float(type.dtype) || is_complex(type.dtype); }

TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

Tensor zeros(const TensorType& type) { return prim::full(type.shape, 0, type.dtype); }

std::vector<uint8_t> bytes_of(const OpCall& call) {
  const auto* first = static_cast<const uint8_t*>(call.attributes);
  return {first, first + call.op->attributes.size};
}

std::vector<Tensor> arguments(Trace& trace, std::span<const TensorType> types) {
  std::vector<Tensor> out;
  for (const TensorType& type : types) out.push_back(trace.argument(type));
  return out;
}

std::vector<TensorType> types_of(std::span<const Tensor> tensors) {
  std::vector<TensorType> out;
  for (const Tensor& t : tensors) out.push_back(type_of(t));
  return out;
}

// Runs the region under a tape and takes the cotangents of its inputs (zeros where none arrives) from those
// of its outputs; undefined entries of `seeds` say that nothing flows from there.
std::vector<Tensor> pull_back(const Graph& region, const std::vector<Tensor>& inputs,
                              const std::vector<Tensor>& seeds, const std::vector<size_t>& wanted) {
  TapeRecorder tape(false);
  tape.start();
  std::vector<std::vector<uint64_t>> sources;
  for (const size_t i : wanted) {
    tape.watch(inputs[i]);
    sources.push_back({inputs[i].identity()});
  }
  const auto outputs = drive_graph(region, inputs);
  tape.stop();
  std::vector<Tensor> targets;
  std::vector<Tensor> arrived;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!seeds[i].defined()) continue;
    targets.push_back(outputs[i]);
    arrived.push_back(seeds[i]);
  }
  auto gradients = tape.backward(targets, arrived, sources, false);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) gradients[i] = zeros(type_of(inputs[wanted[i]]));
  }
  return gradients;
}

Tensors apply_regions(OpId op, const void* attributes, std::span<const Tensor> operands,
                      std::span<const std::shared_ptr<const Graph>> regions) {
  return apply(OpCall{&op_def(op), attributes, operands, false, {}, regions});
}

// Which of the operands from `first` on take part, counted from `first`.
std::vector<size_t> wanted_from(const VjpContext& c, size_t first, size_t count) {
  std::vector<size_t> out;
  for (size_t i = 0; i < count; ++i) {
    if (c.needed[first + i] && differentiable(c.operand_types[first + i])) out.push_back(i);
  }
  return out;
}

Tensors cond_vjp(VjpContext& c) {
  const size_t captures = c.operands.size() - 1;
  const auto wanted = wanted_from(c, 1, captures);
  Tensors out(c.operands.size());
  if (wanted.empty()) return out;
  std::vector<size_t> flowing;
  std::vector<Tensor> operands(c.operands.begin(), c.operands.end());
  for (size_t i = 0; i < c.cotangents.size(); ++i) {
    if (!c.cotangents[i].defined()) continue;
    flowing.push_back(i);
    operands.push_back(c.cotangents[i]);
  }
  std::vector<std::shared_ptr<const Graph>> graphs;
  std::vector<std::unique_ptr<Trace>> traces;
  std::vector<Trace*> regions;
  for (const auto& branch : c.regions) {
    traces.push_back(std::make_unique<Trace>(Trace::Region{}));
    Trace& trace = *traces.back();
    const InterpreterScope scope(trace);
    const auto inputs = arguments(trace, types_of(std::span<const Tensor>(operands).subspan(1)));
    std::vector<Tensor> seeds(c.cotangents.size());
    for (size_t i = 0; i < flowing.size(); ++i) seeds[flowing[i]] = inputs[captures + i];
    trace.set_outputs(pull_back(*branch, {inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(captures)},
                                seeds, wanted));
    regions.push_back(&trace);
    graphs.push_back(trace.graph());
  }
  for (const Tensor& t : share_captures(regions)) operands.push_back(t);
  const auto none = make_attributes<NoAttributes>();
  const Tensors gradients = apply_regions(OpId::cond_op, &none, operands, graphs);
  for (size_t i = 0; i < wanted.size(); ++i) out[1 + wanted[i]] = gradients[i];
  return out;
}

// The body of the backward loops of scan and while: from the cotangents of a step's results to those of its
// carries (new carries of the loop) and of what it captures (added up).
struct StepGradient {
  std::vector<size_t> carries;   // differentiable ones
  std::vector<size_t> captures;  // those that want a cotangent, counted among the captures
};

Tensors scan_vjp(VjpContext& c) {
  const auto& at = c.attrs<ScanAttributes>();
  const auto carries = static_cast<size_t>(at.carries);
  const auto sequences = static_cast<size_t>(at.inputs);
  const Graph& body = *c.regions[0];
  // After the rows come the carries before each step, which recording added.
  const size_t rows = body.outputs().size() - 2 * carries;
  const size_t own = carries + sequences;
  const size_t captures = c.operands.size() - own;

  StepGradient step;
  for (size_t i = 0; i < carries; ++i) {
    if (differentiable(c.operand_types[i])) step.carries.push_back(i);
  }
  step.captures = wanted_from(c, own, captures);
  std::vector<size_t> cut;  // sequences that want a cotangent
  for (size_t i = 0; i < sequences; ++i) {
    if (c.needed[carries + i] && differentiable(c.operand_types[carries + i])) cut.push_back(i);
  }
  std::vector<size_t> flowing;  // rows whose cotangent arrived
  for (size_t i = 0; i < rows; ++i) {
    if (c.cotangents[carries + i].defined()) flowing.push_back(i);
  }

  // Loop state: cotangents of the carries, sums for the captures. Cut along axis 0: the carries before each
  // step, the sequences, the cotangents of the rows.
  std::vector<Tensor> operands;
  for (const size_t i : step.carries) {
    operands.push_back(c.cotangents[i].defined() ? c.cotangents[i] : zeros(c.operand_types[i]));
  }
  for (const size_t i : step.captures) operands.push_back(zeros(c.operand_types[own + i]));
  const size_t state = operands.size();
  for (size_t i = 0; i < carries; ++i) operands.push_back(c.result(carries + rows + i));
  for (size_t i = 0; i < sequences; ++i) operands.push_back(c.operand(carries + i));
  for (const size_t i : flowing) operands.push_back(c.cotangents[carries + i]);
  const size_t cuts = operands.size() - state;

  Trace trace{Trace::Region{}};
  {
    const InterpreterScope scope(trace);
    std::vector<TensorType> types = types_of(std::span<const Tensor>(operands).first(state));
    for (size_t i = state; i < operands.size(); ++i) {
      types.push_back({operands[i].dtype(), operands[i].shape().sub(1)});
    }
    const auto inputs = arguments(trace, types);
    const auto at_cut = [&](size_t i) { return inputs[state + i]; };
    std::vector<Tensor> forward;
    for (size_t i = 0; i < own; ++i) forward.push_back(at_cut(i));
    for (size_t i = 0; i < captures; ++i) forward.push_back(c.operand(own + i));
    std::vector<Tensor> seeds(body.outputs().size());
    for (size_t i = 0; i < step.carries.size(); ++i) seeds[step.carries[i]] = inputs[i];
    for (size_t i = 0; i < flowing.size(); ++i) seeds[carries + flowing[i]] = at_cut(own + i);
    std::vector<size_t> wanted = step.carries;
    for (const size_t i : step.captures) wanted.push_back(own + i);
    for (const size_t i : cut) wanted.push_back(carries + i);
    auto outputs = pull_back(body, forward, seeds, wanted);
    for (size_t i = step.carries.size(); i < state; ++i) outputs[i] = prim::add(inputs[i], outputs[i]);
    trace.set_outputs(outputs);
  }
  auto attributes = make_attributes<ScanAttributes>();
  attributes.carries = static_cast<int64_t>(state);
  attributes.inputs = static_cast<int64_t>(cuts);
  attributes.length = at.length;
  attributes.reverse = at.reverse != 0 ? 0 : 1;
  Trace* const regions[] = {&trace};
  for (const Tensor& t : share_captures(regions)) operands.push_back(t);
  const std::shared_ptr<const Graph> graphs[] = {trace.graph()};
  const Tensors gradients = apply_regions(OpId::scan_op, &attributes, operands, graphs);
  Tensors out(c.operands.size());
  size_t next = 0;
  for (const size_t i : step.carries) out[i] = gradients[next++];
  for (const size_t i : step.captures) out[own + i] = gradients[next++];
  for (const size_t i : cut) out[carries + i] = gradients[next++];
  return out;
}

Tensor count_of(int64_t n) { return prim::scalar(static_cast<double>(n), DType::int32); }

// A while without a bound keeps only the number of its steps: before going back through step k, the loop runs
// its first k steps again.
Tensors while_vjp(VjpContext& c) {
  const auto& at = c.attrs<WhileAttributes>();
  // The last carry is the counter that recording added.
  const auto carries = static_cast<size_t>(at.carries) - 1;
  const Graph& step_graph = *c.regions[1];
  const size_t own = carries + 1;
  const size_t captures = c.operands.size() - own;
  std::vector<size_t> flowing;
  for (size_t i = 0; i < carries; ++i) {
    if (differentiable(c.operand_types[i])) flowing.push_back(i);
  }
  const auto summed = wanted_from(c, own, captures);

  std::vector<Tensor> operands{c.result(carries)};
  for (const size_t i : flowing) {
    operands.push_back(c.cotangents[i].defined() ? c.cotangents[i] : zeros(c.operand_types[i]));
  }
  for (const size_t i : summed) operands.push_back(zeros(c.operand_types[own + i]));
  const size_t state = operands.size();
  const auto types = types_of(operands);

  Trace check{Trace::Region{}};
  {
    const InterpreterScope scope(check);
    const auto inputs = arguments(check, types);
    check.set_outputs({prim::greater(inputs[0], count_of(0))});
  }
  Trace back{Trace::Region{}};
  {
    const InterpreterScope scope(back);
    const auto inputs = arguments(back, types);
    const Tensor before = prim::sub(inputs[0], count_of(1));
    // The first `before` steps again.
    std::vector<Tensor> forward;
    {
      std::vector<Tensor> again(c.operands.begin(), c.operands.begin() + static_cast<ptrdiff_t>(carries));
      again.push_back(count_of(0));
      const auto again_types = types_of(again);
      Trace until{Trace::Region{}};
      {
        const InterpreterScope inner(until);
        const auto values = arguments(until, again_types);
        until.set_outputs({prim::less(values[carries], before)});
      }
      Trace next{Trace::Region{}};
      {
        const InterpreterScope inner(next);
        std::vector<Tensor> values = arguments(next, again_types);
        for (size_t i = 0; i < captures; ++i) values.push_back(c.operand(own + i));
        next.set_outputs(drive_graph(step_graph, values));
      }
      auto attributes = make_attributes<WhileAttributes>();
      attributes.carries = static_cast<int64_t>(again.size());
      attributes.maximum_iterations = -1;
      Trace* const regions[] = {&until, &next};
      for (const Tensor& t : share_captures(regions)) again.push_back(t);
      const std::shared_ptr<const Graph> graphs[] = {until.graph(), next.graph()};
      const Tensors values = apply_regions(OpId::while_op, &attributes, again, graphs);
      forward.assign(values.begin(), values.end());
    }
    for (size_t i = 0; i < captures; ++i) forward.push_back(c.operand(own + i));
    std::vector<Tensor> seeds(own);
    for (size_t i = 0; i < flowing.size(); ++i) seeds[flowing[i]] = inputs[1 + i];
    std::vector<size_t> wanted = flowing;
    for (const size_t i : summed) wanted.push_back(own + i);
    auto gradients = pull_back(step_graph, forward, seeds, wanted);
    std::vector<Tensor> outputs{before};
    for (size_t i = 0; i < gradients.size(); ++i) {
      outputs.push_back(i < flowing.size() ? gradients[i] : prim::add(inputs[1 + i], gradients[i]));
    }
    back.set_outputs(outputs);
  }
  auto attributes = make_attributes<WhileAttributes>();
  attributes.carries = static_cast<int64_t>(state);
  attributes.maximum_iterations = -1;
  Trace* const regions[] = {&check, &back};
  for (const Tensor& t : share_captures(regions)) operands.push_back(t);
  const std::shared_ptr<const Graph> graphs[] = {check.graph(), back.graph()};
  const Tensors gradients = apply_regions(OpId::while_op, &attributes, operands, graphs);
  Tensors out(c.operands.size());
  size_t next = 1;
  for (const size_t i : flowing) out[i] = gradients[next++];
  for (const size_t i : summed) out[own + i] = gradients[next++];
  return out;
}

// A graph that gives its first `count` inputs.
std::shared_ptr<const Graph> identity_graph(std::span<const TensorType> types, size_t count) {
  auto graph = std::make_shared<Graph>();
  for (const TensorType& type : types) graph->add_input(type);
  std::vector<Graph::Value> outputs;
  for (size_t i = 0; i < count; ++i) outputs.push_back(graph->inputs()[i]);
  graph->set_outputs(std::move(outputs));
  return graph;
}

KERAS_OP_RULE(cond, .vjp = cond_vjp);
KERAS_OP_RULE(scan, .vjp = scan_vjp);
KERAS_OP_RULE(while, .vjp = while_vjp);

}  // namespace

RecordedRegions regions_for_gradient(const OpCall& call) {
  RecordedRegions out{{call.regions.begin(), call.regions.end()},
                      bytes_of(call),
                      {call.operands.begin(), call.operands.end()},
                      call.regions.back()->outputs().size(),
                      call.regions.back()->outputs().size()};
  if (call.op->id == OpId::custom_vjp_op) {
    out.results = call.regions.front()->outputs().size();
    out.kept_after = 1;
  }
  if (call.op->id == OpId::scan_op) {
    const auto carries = static_cast<size_t>(static_cast<const ScanAttributes*>(call.attributes)->carries);
    auto body = std::make_shared<Graph>(*call.regions[0]);
    auto outputs = body->outputs();
    outputs.insert(outputs.end(), body->inputs().begin(),
                   body->inputs().begin() + static_cast<ptrdiff_t>(carries));
    body->set_outputs(std::move(outputs));
    out.regions[0] = std::move(body);
  } else if (call.op->id == OpId::while_op) {
    auto& attributes = *reinterpret_cast<WhileAttributes*>(out.attributes.data());
    const auto carries = static_cast<ptrdiff_t>(attributes.carries);
    ++attributes.carries;
    out.operands.insert(out.operands.begin() + carries, count_of(0));
    for (auto& region : out.regions) {
      auto counted = std::make_shared<Graph>(*region);
      const auto counter = counted->add_input({DType::int32, {}});
      auto inputs = counted->inputs();
      inputs.pop_back();
      inputs.insert(inputs.begin() + carries, counter);
      counted->set_inputs(std::move(inputs));
      region = counted;
      if (&region != &out.regions[1]) continue;
      auto one = make_attributes<ConstantAttributes>();
      one.dtype = static_cast<int64_t>(DType::int32);
      one.integer = 1;
      const auto unit = counted->add(OpId::constant_op, one, {});
      auto outputs = counted->outputs();
      outputs.push_back(counted->add(OpId::add_op, make_attributes<NoAttributes>(), {counter, unit}));
      counted->set_outputs(std::move(outputs));
    }
  }
  return out;
}

Tensors bounded_while_as_scan(const OpCall& call) {
  const auto& at = *static_cast<const WhileAttributes*>(call.attributes);
  const auto carries = static_cast<size_t>(at.carries);
  const auto types = types_of(call.operands);
  Trace body{Trace::Region{}};
  {
    const InterpreterScope scope(body);
    const auto inputs = arguments(body, types);
    std::vector<Tensor> operands{drive_graph(*call.regions[0], inputs)[0]};
    operands.insert(operands.end(), inputs.begin(), inputs.end());
    const auto none = make_attributes<NoAttributes>();
    const std::shared_ptr<const Graph> branches[] = {call.regions[1], identity_graph(types, carries)};
    const Tensors results = apply_regions(OpId::cond_op, &none, operands, branches);
    body.set_outputs({results.begin(), results.end()});
  }
  auto attributes = make_attributes<ScanAttributes>();
  attributes.carries = at.carries;
  attributes.length = at.maximum_iterations;
  const std::shared_ptr<const Graph> graphs[] = {body.graph()};
  return apply_regions(OpId::scan_op, &attributes, call.operands, graphs);
}

}  // namespace keras::internal
