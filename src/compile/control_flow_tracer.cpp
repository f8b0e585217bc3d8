// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "runtime/trace.h"

// Takes cond, while_loop and scan into a traced program as ops with regions. Variables that a region assigns
// become further results of the op, and further state of a loop, so that drawing random numbers, batch
// statistics and optimizer steps work inside of them.
namespace keras::internal {

namespace {

using Slots = std::vector<std::shared_ptr<VariableSlot>>;

std::vector<Tensor> plain_leaves(const Nest& nest) {
  std::vector<Tensor> out;
  for (const Tensor& t : nest.flatten()) out.push_back(as_plain(t));
  return out;
}

std::string describe(std::span<const Tensor> leaves) {
  std::string out;
  for (const Tensor& t : leaves)
    out += (out.empty() ? "" : ", ") + TensorType{t.dtype(), t.shape()}.to_string();
  return "[" + out + "]";
}

void require_alike(const char* where, const char* requirement, const Nest& a, std::span<const Tensor> left,
                   const Nest& b, std::span<const Tensor> right) {
  bool alike = a.same_structure(b) && left.size() == right.size();
  for (size_t i = 0; alike && i < left.size(); ++i) {
    alike = left[i].dtype() == right[i].dtype() && left[i].shape() == right[i].shape();
  }
  if (!alike) fail<ValueError>({where, requirement, describe(left) + " and " + describe(right), ""});
}

void add_assigned(const Trace& trace, Slots& slots) {
  for (const auto& use : trace.variables()) {
    if (use.assigned && std::find(slots.begin(), slots.end(), use.slot) == slots.end())
      slots.push_back(use.slot);
  }
}

// The arguments of a region that stand for these values.
std::vector<Tensor> arguments(Trace& trace, std::span<const Tensor> like) {
  std::vector<Tensor> out;
  for (const Tensor& t : like) out.push_back(trace.argument({t.dtype(), t.shape()}));
  return out;
}

Tensors apply_regions(OpId op, const void* attributes, std::span<const Tensor> operands,
                      std::span<const std::shared_ptr<const Graph>> regions) {
  return apply(OpCall{&op_def(op), attributes, operands, false, {}, regions});
}

void assign_all(const Slots& slots, const Tensors& results, size_t first) {
  for (size_t i = 0; i < slots.size(); ++i) current_interpreter().assign(*slots[i], results[first + i]);
}

std::vector<Tensor> first_of(const Tensors& results, size_t count) {
  return {results.begin(), results.begin() + static_cast<ptrdiff_t>(count)};
}

// A region, and what the traced C++ gave.
struct Branch {
  Trace trace{Trace::Region{}};
  Nest form;
  std::vector<Tensor> outputs;
};

Tensor as_flag(const char* where, const Tensor& pred) {
  if (pred.rank() != 0 && !(pred.shape().known() && pred.elements() == 1)) {
    fail<ValueError>({where, "The condition must be a scalar",
                      TensorType{pred.dtype(), pred.shape()}.to_string(),
                      "reduce it with ops::all or ops::any"});
  }
  const Tensor scalar = pred.rank() == 0 ? pred : prim::reshape(pred, Shape{});
  return as_dtype(scalar, DType::bool_);
}

class Tracer final : public ControlFlowTracer {
 public:
  Nest cond(const Tensor& pred, const std::function<Nest()>& true_fn,
            const std::function<Nest()>& false_fn) override {
    Branch yes;
    Branch no;
    Slots assigned;
    for (auto [branch, fn] : {std::pair(&yes, &true_fn), std::pair(&no, &false_fn)}) {
      const InterpreterScope scope(branch->trace);
      branch->form = (*fn)();
      branch->outputs = plain_leaves(branch->form);
    }
    require_alike("cond", "Both branches must give the same structure, dtypes and shapes", yes.form,
                  yes.outputs, no.form, no.outputs);
    add_assigned(yes.trace, assigned);
    add_assigned(no.trace, assigned);
    const size_t leaves = yes.outputs.size();
    for (Branch* branch : {&yes, &no}) {
      const InterpreterScope scope(branch->trace);
      for (const auto& slot : assigned) branch->outputs.push_back(branch->trace.read(*slot));
      branch->trace.set_outputs(branch->outputs);
    }
    if (yes.outputs.empty()) return yes.form;
    Trace* const regions[] = {&yes.trace, &no.trace};
    std::vector<Tensor> operands{as_flag("cond", pred)};
    for (const Tensor& t : share_captures(regions)) operands.push_back(t);
    const std::shared_ptr<const Graph> graphs[] = {yes.trace.graph(), no.trace.graph()};
    const auto none = make_attributes<NoAttributes>();
    const Tensors results = apply_regions(OpId::cond_op, &none, operands, graphs);
    assign_all(assigned, results, leaves);
    return yes.form.pack(first_of(results, leaves));
  }

  Nest while_loop(const std::function<Tensor(const Nest&)>& test,
                  const std::function<Nest(const Nest&)>& body, const Nest& loop_vars,
                  std::optional<int64_t> maximum_iterations) override {
    const std::vector<Tensor> state = plain_leaves(loop_vars);
    Slots assigned;
    for (;;) {
      Branch check;
      Branch step;
      {
        const InterpreterScope scope(check.trace);
        const auto inputs = arguments(check.trace, state);
        for (const auto& slot : assigned) check.trace.variable_argument(slot);
        check.outputs = {as_flag("while_loop", test(loop_vars.pack(inputs)))};
        check.trace.set_outputs(check.outputs);
      }
      Slots in_test;
      add_assigned(check.trace, in_test);
      if (!in_test.empty()) {
        fail<ValueError>({"while_loop",
                          "The condition of a loop may not assign variables or draw random numbers",
                          in_test.front()->path, "do it in the body, and carry the result"});
      }
      {
        const InterpreterScope scope(step.trace);
        const auto inputs = arguments(step.trace, state);
        for (const auto& slot : assigned) step.trace.variable_argument(slot);
        step.form = body(loop_vars.pack(inputs));
        step.outputs = plain_leaves(step.form);
        require_alike("while_loop", "The body must keep structure, dtypes and shapes of the loop variables",
                      loop_vars, state, step.form, step.outputs);
        const size_t known = assigned.size();
        add_assigned(step.trace, assigned);
        // State that the body turned out to have: traced again with it.
        if (assigned.size() != known) continue;
        for (const auto& slot : assigned) step.outputs.push_back(step.trace.read(*slot));
        step.trace.set_outputs(step.outputs);
      }
      Trace* const regions[] = {&check.trace, &step.trace};
      std::vector<Tensor> operands = state;
      for (const auto& slot : assigned) operands.push_back(current_interpreter().read(*slot));
      auto attributes = make_attributes<WhileAttributes>();
      attributes.carries = static_cast<int64_t>(operands.size());
      attributes.maximum_iterations = maximum_iterations.value_or(-1);
      for (const Tensor& t : share_captures(regions)) operands.push_back(t);
      const std::shared_ptr<const Graph> graphs[] = {check.trace.graph(), step.trace.graph()};
      const Tensors results = apply_regions(OpId::while_op, &attributes, operands, graphs);
      assign_all(assigned, results, state.size());
      return loop_vars.pack(first_of(results, state.size()));
    }
  }

  std::pair<Nest, Nest> scan(const ops::ScanStep& f, const Nest& init, const Nest& xs,
                             std::optional<int64_t> length, bool reverse) override {
    const std::vector<Tensor> state = plain_leaves(init);
    const std::vector<Tensor> sequences = plain_leaves(xs);
    Slots assigned;
    for (;;) {
      Branch step;
      Nest given;
      size_t leaves = 0;
      {
        const InterpreterScope scope(step.trace);
        const auto inputs = arguments(step.trace, state);
        for (const auto& slot : assigned) step.trace.variable_argument(slot);
        std::vector<Tensor> slices;
        for (const Tensor& s : sequences)
          slices.push_back(step.trace.argument({s.dtype(), s.shape().sub(1)}));
        auto [next, output] = f(init.pack(inputs), xs.pack(slices));
        step.form = next;
        given = output;
        step.outputs = plain_leaves(next);
        require_alike("scan", "The step must keep structure, dtypes and shapes of the carry", init, state,
                      step.form, step.outputs);
        const size_t known = assigned.size();
        add_assigned(step.trace, assigned);
        if (assigned.size() != known) continue;
        for (const auto& slot : assigned) step.outputs.push_back(step.trace.read(*slot));
        const auto rows = plain_leaves(given);
        leaves = rows.size();
        step.outputs.insert(step.outputs.end(), rows.begin(), rows.end());
        step.trace.set_outputs(step.outputs);
      }
      std::vector<Tensor> operands = state;
      for (const auto& slot : assigned) operands.push_back(current_interpreter().read(*slot));
      auto attributes = make_attributes<ScanAttributes>();
      attributes.carries = static_cast<int64_t>(operands.size());
      attributes.inputs = static_cast<int64_t>(sequences.size());
      attributes.length = length.value_or(-1);
      attributes.reverse = reverse ? 1 : 0;
      operands.insert(operands.end(), sequences.begin(), sequences.end());
      Trace* const regions[] = {&step.trace};
      for (const Tensor& t : share_captures(regions)) operands.push_back(t);
      const std::shared_ptr<const Graph> graphs[] = {step.trace.graph()};
      const Tensors results = apply_regions(OpId::scan_op, &attributes, operands, graphs);
      assign_all(assigned, results, state.size());
      const size_t carries = state.size() + assigned.size();
      const std::vector<Tensor> stacked(results.begin() + static_cast<ptrdiff_t>(carries),
                                        results.begin() + static_cast<ptrdiff_t>(carries + leaves));
      return {init.pack(first_of(results, state.size())), given.pack(stacked)};
    }
  }
};

// Never ends, since functions may run in the destructors of statics.
const bool installed = set_control_flow_tracer(new Tracer);  // NOLINT

}  // namespace
}  // namespace keras::internal
